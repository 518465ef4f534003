//! What makes a GOP: keyframes, and what refers across them.

use levada_media::{Frame, Leading, RandomAccess, Slices, VideoParams};

use crate::series::{Merge, Series};
use crate::stats::Stats;
use crate::verdict::{Teller, Told};
use crate::{GopKind, Measure, Rule, Severity};

/// RTMP counts in milliseconds: two times may be off by one in all.
const ROUNDING: i64 = 1000;

/// Output times that are remembered, to see how far frames are reordered. No level allows more frames in between.
const WINDOW: usize = 17;

/// Unevenly spaced frames, among [`SPACING_MEMORY`], from which on it is no accident.
const UNEVEN: u32 = 5;

/// Frames after which an unevenly spaced one is forgotten.
const SPACING_MEMORY: u32 = 300;

/// One frame with its times in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture<'a> {
    pub(crate) frame: &'a Frame,
    /// Since the stream began, in order of decoding.
    pub(crate) at: i64,
    /// As the track says.
    pub(crate) pts: i64,
    /// How long it lasts, as far as that is known.
    pub(crate) duration: i64,
    /// How long after the one before it it is decoded.
    pub(crate) step: Option<i64>,
}

/// Everything since the last keyframe.
#[derive(Clone, Copy, Debug)]
struct Gop {
    /// When it begins, in order of output.
    pts: i64,
    /// The newest end of a frame, in order of output.
    end: i64,
    /// Whether it has been told that it is too long.
    told: bool,
    bar: GopBar,
    /// Whether it begins with a keyframe, and not with the stream or a leap.
    whole: bool,
}

/// One GOP, or some, for the picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct GopBar {
    pub(crate) at: i64,
    pub(crate) end: i64,
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    /// The longest of them.
    pub(crate) interval: i64,
    /// Whether one of them breaks a bound.
    pub(crate) bad: bool,
}

/// One frame, or some, for the picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct FrameBar {
    pub(crate) at: i64,
    pub(crate) end: i64,
    /// The size of the largest of them.
    pub(crate) bytes: u64,
    /// The kind that matters most among them.
    pub(crate) kind: FrameKind,
}

/// What a frame is to a viewer who joins.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum FrameKind {
    Bidirectional,
    Predicted,
    Intra,
    Recovery,
    Key,
}

impl Merge for GopBar {
    fn merge(&mut self, next: Self) {
        self.end = next.end;
        self.frames += next.frames;
        self.bytes = self.bytes.saturating_add(next.bytes);
        self.interval = self.interval.max(next.interval);
        self.bad |= next.bad;
    }
}

impl Merge for FrameBar {
    fn merge(&mut self, next: Self) {
        self.end = next.end;
        self.bytes = self.bytes.max(next.bytes);
        self.kind = self.kind.max(next.kind);
    }
}

/// Whether leading frames follow a random access point.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Follower {
    /// None is expected.
    Settled,
    /// The next frame decides, for the recovery point that is shown at this time.
    Awaited(i64),
}

#[derive(Clone, Debug)]
pub(crate) struct Video {
    params: VideoParams,
    gop: Option<Gop>,
    follower: Follower,
    pub(crate) kind: GopKind,
    pub(crate) keyframes: u64,
    pub(crate) intervals: Stats,
    pub(crate) b_frames: u64,
    b_run: u32,
    pub(crate) longest_b_run: u32,
    pub(crate) reorder: u32,
    window: [i64; WINDOW],
    spacing: Spacing,
    pub(crate) gops: Series<GopBar>,
    pub(crate) frames: Series<FrameBar>,
    /// Parameters have changed, and no keyframe has come since.
    changed: bool,
    told: Told,
}

/// Whether frames come at an even pace.
#[derive(Clone, Copy, Debug, Default)]
struct Spacing {
    usual: Option<i64>,
    uneven: u32,
    even: u32,
}

impl Video {
    pub(crate) fn new(params: &VideoParams) -> Self {
        Self {
            params: params.clone(),
            gop: None,
            follower: Follower::Settled,
            kind: GopKind::Unknown,
            keyframes: 0,
            intervals: Stats::default(),
            b_frames: 0,
            b_run: 0,
            longest_b_run: 0,
            reorder: 0,
            window: [i64::MIN; WINDOW],
            spacing: Spacing::default(),
            gops: Series::new(),
            frames: Series::new(),
            changed: false,
            told: Told::default(),
        }
    }
}

impl Video {
    /// Goes on with other parameters. The first keyframe behind them must come at once.
    pub(crate) fn change(&mut self, params: &VideoParams) {
        self.changed = params.config != self.params.config;
        self.params = params.clone();
        self.told = Told::default();
        self.spacing = Spacing::default();
    }

    /// Times have leapt back: what is behind cannot be compared with what was before.
    pub(crate) fn restart(&mut self) {
        self.close_gop(false);
        self.follower = Follower::Settled;
        self.window = [i64::MIN; WINDOW];
        self.spacing = Spacing::default();
    }

    pub(crate) fn observe(&mut self, picture: Picture<'_>, teller: &mut Teller<'_>) {
        let key = self.is_key(picture);
        self.settle(picture, teller);
        self.check_parameter_sets(picture, key, teller);
        if key {
            self.keyframe(picture, teller);
        } else {
            self.other_point(picture, teller);
        }
        self.grow(picture, key, teller);
        self.check_b_frames(picture, teller);
        self.check_reordering(picture, teller);
        self.check_spacing(picture, teller);
    }

    /// What the last GOP is, of which the end is not seen.
    pub(crate) fn open_bar(&self) -> Option<GopBar> {
        self.gop.map(|gop| gop.bar)
    }

    /// Nothing more comes: a recovery point at the very end has no leading frames.
    pub(crate) fn finish(&mut self, teller: &mut Teller<'_>) {
        if let Follower::Awaited(_) = self.follower {
            self.follower = Follower::Settled;
            self.tell_kind(GopKind::OpenWithoutLeading, teller);
        }
    }

    /// Whether a decoder can start here, and nothing behind looks back: what its headers say counts, or what the
    /// container says where nobody has read them.
    fn is_key(&self, picture: Picture<'_>) -> bool {
        let facts = picture.frame.facts;
        let unread = facts.random_access == RandomAccess::No && facts.slices == Slices::Unknown;
        picture.frame.is_key() || (unread && facts.marked_key)
    }

    /// The frame behind a recovery point shows whether it is an open one (ISO/IEC 14496-12 annex I, type 3).
    fn settle(&mut self, picture: Picture<'_>, teller: &mut Teller<'_>) {
        let Follower::Awaited(point) = self.follower else { return };
        let kind = match picture.frame.facts.leading {
            Leading::Undecodable => GopKind::Open,
            // Decodable ones come last among the leading frames of H.265.
            Leading::Decodable => return,
            Leading::Unknown if picture.pts < point => GopKind::Open,
            Leading::Unknown | Leading::No => GopKind::OpenWithoutLeading,
        };
        self.follower = Follower::Settled;
        self.tell_kind(kind, teller);
    }

    fn keyframe(&mut self, picture: Picture<'_>, teller: &mut Teller<'_>) {
        let proven = picture.frame.is_key();
        self.worsen_kind(if proven { GopKind::Closed } else { GopKind::Unproven });
        self.keyframes += 1;
        let interval =
            self.gop.filter(|it| it.whole).map(|gop| picture.pts.saturating_sub(gop.pts));
        let bad = interval.is_some_and(|interval| self.check_interval(interval, picture, teller));
        self.close_gop(bad);
        self.gop = Some(Gop::at(picture, true));
    }

    /// Whether the interval that ends here breaks a bound.
    fn check_interval(
        &mut self,
        interval: i64,
        picture: Picture<'_>,
        teller: &mut Teller<'_>,
    ) -> bool {
        self.intervals.push(interval);
        let policy = teller.policy;
        let slack = policy.tolerance.saturating_add(ROUNDING);
        let measured = Measure::Time(interval);
        let limit = |it| Some(Measure::Time(it));
        let told = self.gop.is_some_and(|gop| gop.told);
        let missed = policy.interval.missed_by(interval, slack);
        if told {
            teller.worsen(Rule::IntervalMax, &measured);
        } else if let Some(missed) = missed {
            let rule = if interval < missed { Rule::IntervalMin } else { Rule::IntervalMax };
            teller.error(rule, measured, limit(missed));
        } else if let Some(missed) = policy.preferred.missed_by(interval, slack) {
            teller.warning(Rule::IntervalPreferred, measured, limit(missed));
        }
        let spread = self.intervals.max.saturating_sub(self.intervals.min);
        if spread > picture.duration.saturating_add(ROUNDING) {
            let measured = Measure::Time(spread);
            if self.told.first(Rule::IntervalRegular) {
                teller.warning(Rule::IntervalRegular, measured, None);
            } else {
                teller.worsen(Rule::IntervalRegular, &measured);
            }
        }
        told || missed.is_some()
    }

    /// Frames that a decoder might start at, and that are no keyframes.
    fn other_point(&mut self, picture: Picture<'_>, teller: &mut Teller<'_>) {
        let facts = picture.frame.facts;
        if self.gop.is_none() {
            self.gop = Some(Gop::at(picture, false));
            if self.keyframes == 0 {
                teller.warning(Rule::StartWithoutKey, Measure::name("no keyframe"), None);
            }
        }
        if facts.marked_key {
            let severity = if teller.policy.closed { Severity::Error } else { Severity::Warning };
            let found = match facts.random_access {
                RandomAccess::Recovery(0) => "a recovery point",
                RandomAccess::Recovery(_) => "gradual refresh",
                RandomAccess::Intra => "an I-frame",
                _ => "an inter-coded frame",
            };
            teller.tell(severity, Rule::IdrRequired, Measure::name(found), None);
        }
        match facts.random_access {
            RandomAccess::Recovery(0) => self.follower = Follower::Awaited(picture.pts),
            RandomAccess::Recovery(_) => self.tell_kind(GopKind::GradualRefresh, teller),
            RandomAccess::Intra if self.keyframes > 0 => {
                self.worsen_kind(GopKind::ClosedWithExtraIntra);
            }
            _ => {}
        }
    }

    fn tell_kind(&mut self, kind: GopKind, teller: &mut Teller<'_>) {
        self.worsen_kind(kind);
        if teller.policy.closed {
            teller.error(Rule::ClosedGop, Measure::name(kind.id()), None);
        }
    }

    fn worsen_kind(&mut self, kind: GopKind) {
        self.kind = self.kind.max(kind);
    }

    /// Adds a frame to its GOP, and says at once when that becomes too long.
    fn grow(&mut self, picture: Picture<'_>, key: bool, teller: &mut Teller<'_>) {
        let bytes = picture.frame.data.len() as u64;
        let facts = picture.frame.facts;
        let kind = match (key, facts.random_access, facts.slices) {
            (true, ..) => FrameKind::Key,
            (_, RandomAccess::Recovery(0), _) => FrameKind::Recovery,
            (_, RandomAccess::Intra, _) | (_, _, Slices::I) => FrameKind::Intra,
            (_, _, Slices::B) => FrameKind::Bidirectional,
            _ => FrameKind::Predicted,
        };
        let end = picture.at.saturating_add(picture.duration);
        self.frames.push(FrameBar { at: picture.at, end, bytes, kind });
        let Some(gop) = &mut self.gop else { return };
        gop.end = gop.end.max(picture.pts.saturating_add(picture.duration));
        gop.bar.end = end;
        gop.bar.frames += 1;
        gop.bar.bytes = gop.bar.bytes.saturating_add(bytes);
        gop.bar.interval = gop.end.saturating_sub(gop.pts);
        let slack = teller.policy.tolerance.saturating_add(ROUNDING);
        let Some(max) = teller.policy.interval.max else { return };
        if gop.bar.interval > max.saturating_add(slack) {
            let measured = Measure::Time(gop.bar.interval);
            if gop.told {
                teller.worsen(Rule::IntervalMax, &measured);
            } else {
                gop.told = true;
                gop.bar.bad = true;
                teller.error(Rule::IntervalMax, measured, Some(Measure::Time(max)));
            }
        }
    }

    fn close_gop(&mut self, bad: bool) {
        if let Some(mut gop) = self.gop.take() {
            gop.bar.bad |= bad;
            self.gops.push(gop.bar);
        }
    }

    fn check_parameter_sets(&mut self, picture: Picture<'_>, key: bool, teller: &mut Teller<'_>) {
        let facts = picture.frame.facts;
        if self.params.config.is_empty()
            && !facts.parameter_sets
            && facts.slices != Slices::Unknown
            && self.told.first(Rule::ParameterSets)
        {
            teller.error(Rule::ParameterSets, Measure::name("none"), None);
        }
        if core::mem::take(&mut self.changed) && !key {
            let measured = Measure::name("new ones away from a keyframe");
            teller.error(Rule::ParameterSets, measured, None);
        }
    }

    fn check_b_frames(&mut self, picture: Picture<'_>, teller: &mut Teller<'_>) {
        if picture.frame.facts.slices != Slices::B {
            self.b_run = 0;
            return;
        }
        self.b_frames += 1;
        self.b_run = self.b_run.saturating_add(1);
        self.longest_b_run = self.longest_b_run.max(self.b_run);
        if let Some(max) = teller.policy.b_frames.filter(|max| self.b_run > *max) {
            let measured = Measure::Count(self.b_run.into());
            if self.told.first(Rule::BFrames) {
                teller.error(Rule::BFrames, measured, Some(Measure::Count(max.into())));
            } else {
                teller.worsen(Rule::BFrames, &measured);
            }
        }
    }

    /// How many frames came before in decoding order and are shown later.
    fn check_reordering(&mut self, picture: Picture<'_>, teller: &mut Teller<'_>) {
        if picture.frame.is_key() {
            // Nothing is reordered across it.
            self.window = [i64::MIN; WINDOW];
        }
        let later = self.window.iter().filter(|it| **it > picture.pts).count();
        self.reorder = self.reorder.max(u32::try_from(later).unwrap_or(u32::MAX));
        self.window.rotate_left(1);
        if let Some(last) = self.window.last_mut() {
            *last = picture.pts;
        }
        let promised = self.params.reorder.map(u32::from);
        if let Some(promised) = promised.filter(|promised| self.reorder > *promised)
            && self.told.first(Rule::Reorder)
        {
            let measured = Measure::Count(self.reorder.into());
            teller.warning(Rule::Reorder, measured, Some(Measure::Count(promised.into())));
        }
    }

    fn check_spacing(&mut self, picture: Picture<'_>, teller: &mut Teller<'_>) {
        let Some(step) = picture.step else { return };
        if let Some(usual) = self.spacing.step(step)
            && self.told.first(Rule::FrameRateVariable)
        {
            teller.warning(
                Rule::FrameRateVariable,
                Measure::Time(step),
                Some(Measure::Time(usual)),
            );
        }
    }
}

impl Gop {
    fn at(picture: Picture<'_>, whole: bool) -> Self {
        let (at, pts) = (picture.at, picture.pts);
        let bar = GopBar { at, end: at, frames: 0, bytes: 0, interval: 0, bad: false };
        Self { pts, end: pts, told: false, bar, whole }
    }
}

impl Spacing {
    /// The usual step, if this one differs from it and too many have.
    fn step(&mut self, step: i64) -> Option<i64> {
        let usual = *self.usual.get_or_insert(step);
        let apart = step.saturating_sub(usual).saturating_abs();
        // The usual step follows a lasting change, and a hole does not move it.
        let change = step.saturating_sub(usual).clamp(-usual, usual) / 8;
        self.usual = Some(usual.saturating_add(change));
        if apart <= (usual / 4).saturating_add(ROUNDING + ROUNDING / 2) {
            self.even += 1;
            if self.even >= SPACING_MEMORY {
                (self.even, self.uneven) = (0, 0);
            }
            return None;
        }
        self.uneven += 1;
        (self.uneven >= UNEVEN).then_some(usual)
    }
}
