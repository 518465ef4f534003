use alloc::vec::Vec;

use levada_media::{Ticks, TrackId};

use crate::{Finding, GopPolicy, Measure, Rule, Severity};

/// The most times of findings that are kept for the picture.
const MAX_MARKS: usize = 512;

/// All findings of one rule on one track, together.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// The rule.
    pub rule: Rule,
    /// How much it weighs.
    pub severity: Severity,
    /// The track, if it is of one.
    pub track: Option<TrackId>,
    /// How often it was broken.
    pub count: u64,
    /// When it was broken first, in microseconds since the stream began.
    pub first: Ticks,
    /// And last.
    pub last: Ticks,
    /// The value that was furthest from the limit.
    pub worst: Measure,
    /// What would have been right, if that is one value.
    pub limit: Option<Measure>,
}

/// When something was found, for the picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Mark {
    pub(crate) at: i64,
    pub(crate) rule: Rule,
    pub(crate) severity: Severity,
}

/// Where findings go: to the caller, and into the report.
///
/// There is at most one verdict for each rule and track, and both are bounded.
#[derive(Clone, Debug)]
pub(crate) struct Findings {
    /// Those of the last event.
    pub(crate) fresh: Vec<Finding>,
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) marks: Vec<Mark>,
}

impl Findings {
    pub(crate) fn new() -> Self {
        Self { fresh: Vec::new(), verdicts: Vec::new(), marks: Vec::new() }
    }

    pub(crate) fn tell(&mut self, finding: Finding) {
        let Finding { rule, severity, track, at, .. } = finding;
        match self.verdict(rule, track) {
            Some(verdict) => {
                verdict.count += 1;
                verdict.last = at;
                verdict.worsen(&finding.measured);
            }
            None => self.verdicts.push(Verdict {
                rule,
                severity,
                track,
                count: 1,
                first: at,
                last: at,
                worst: finding.measured.clone(),
                limit: finding.limit.clone(),
            }),
        }
        if self.marks.len() >= MAX_MARKS {
            // Every other one goes: what is left is spread as they were.
            let mut keep = false;
            self.marks.retain(|_| {
                keep = !keep;
                keep
            });
        }
        self.marks.push(Mark { at: at.0, rule, severity });
        self.fresh.push(finding);
    }

    /// What was found before has become worse, which is no finding of its own.
    pub(crate) fn worsen(&mut self, rule: Rule, track: Option<TrackId>, measured: &Measure) {
        if let Some(verdict) = self.verdict(rule, track) {
            verdict.worsen(measured);
        }
    }

    fn verdict(&mut self, rule: Rule, track: Option<TrackId>) -> Option<&mut Verdict> {
        self.verdicts.iter_mut().find(|it| (it.rule, it.track) == (rule, track))
    }
}

impl Verdict {
    fn worsen(&mut self, measured: &Measure) {
        let smaller_is_worse = matches!(
            self.rule,
            Rule::IntervalMin | Rule::BitrateMin | Rule::TimeOrder | Rule::TimeComposition
        );
        if (*measured < self.worst) == smaller_is_worse && *measured != self.worst {
            self.worst = measured.clone();
        }
    }
}

/// Tells findings of one frame or track.
#[derive(Debug)]
pub(crate) struct Teller<'a> {
    pub(crate) findings: &'a mut Findings,
    pub(crate) policy: &'a GopPolicy,
    pub(crate) track: Option<TrackId>,
    /// Microseconds since the stream began.
    pub(crate) at: i64,
}

impl Teller<'_> {
    pub(crate) fn error(&mut self, rule: Rule, measured: Measure, limit: Option<Measure>) {
        self.tell(Severity::Error, rule, measured, limit);
    }

    pub(crate) fn warning(&mut self, rule: Rule, measured: Measure, limit: Option<Measure>) {
        self.tell(Severity::Warning, rule, measured, limit);
    }

    pub(crate) fn tell(
        &mut self,
        severity: Severity,
        rule: Rule,
        measured: Measure,
        limit: Option<Measure>,
    ) {
        let (track, at) = (self.track, Ticks(self.at));
        self.findings.tell(Finding { rule, severity, track, at, measured, limit });
    }

    pub(crate) fn worsen(&mut self, rule: Rule, measured: &Measure) {
        self.findings.worsen(rule, self.track, measured);
    }
}

/// Rules that are told once for each set of parameters.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told(u64);

impl Told {
    /// Whether it is told for the first time.
    pub(crate) fn first(&mut self, rule: Rule) -> bool {
        let bit = 1_u64 << (rule as u32 & 63);
        let first = self.0 & bit == 0;
        self.0 |= bit;
        first
    }
}
