//! What a call may broadcast: settings of its type, of the call, and of the request, laid over each other.

use alloc::string::String;

use crate::Error;

/// Permissions of an API token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Scope {
    /// To look.
    Read,
    /// To make, change and delete.
    Manage,
    /// To start outputs.
    StartOutput,
    /// To stop them.
    StopOutput,
    /// To play.
    Play,
    /// To see keys after they were made.
    RevealKeys,
}

/// How large a broadcast is to be. Without a transcoder the source goes out as it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_structs, reason = "a height and a side")]
pub struct Quality {
    /// The shorter side: 360, 480, 720, 1080 or 1440.
    pub lines: u16,
    /// Whether it is higher than wide.
    pub portrait: bool,
}

impl Quality {
    /// Parses `720p` or `portrait-720x1280`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let all = [(360, 640), (480, 854), (720, 1280), (1080, 1920), (1440, 2560)];
        let found = all.into_iter().find_map(|(lines, length)| {
            let landscape = text.strip_suffix('p') == Some(alloc::format!("{lines}").as_str());
            let portrait = text == alloc::format!("portrait-{lines}x{length}");
            (landscape || portrait).then_some(Self { lines, portrait })
        });
        found.ok_or(Error::Invalid { field: "quality", why: "is not one of the known qualities" })
    }
}

/// Settings of broadcasting at one level. What is not set is as the level below has it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_structs, reason = "a row of settings")]
pub struct BroadcastSettings {
    /// Whether there may be broadcasts at all.
    pub enabled: Option<bool>,
    /// Whether to RTMP targets.
    pub rtmp: Option<bool>,
    /// Whether as HLS.
    pub hls: Option<bool>,
    /// How large.
    pub quality: Option<Quality>,
    /// Stored only.
    pub layout: Option<String>,
}

/// Why a call may not broadcast. Both are a 403.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAllowed {
    /// The settings say no.
    #[error("broadcasting is disabled")]
    Disabled,
    /// The token does not say yes.
    #[error("the token lacks a permission")]
    MissingScope,
}

impl BroadcastSettings {
    /// These settings, with the gaps filled from the level below: `request.over(&call.over(&kind))`.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        Self {
            enabled: self.enabled.or(below.enabled),
            rtmp: self.rtmp.or(below.rtmp),
            hls: self.hls.or(below.hls),
            quality: self.quality.or(below.quality),
            layout: self.layout.clone().or_else(|| below.layout.clone()),
        }
    }

    /// Whether outputs may be started by whoever has these scopes. What nobody set is allowed.
    pub fn may_start_rtmp(&self, scopes: &[Scope]) -> Result<(), NotAllowed> {
        self.check(self.rtmp, scopes)
    }

    /// Whether HLS may be started by whoever has these scopes.
    pub fn may_start_hls(&self, scopes: &[Scope]) -> Result<(), NotAllowed> {
        self.check(self.hls, scopes)
    }

    fn check(&self, kind: Option<bool>, scopes: &[Scope]) -> Result<(), NotAllowed> {
        // Permission first: who may not ask learns nothing of the settings.
        if !scopes.contains(&Scope::StartOutput) {
            return Err(NotAllowed::MissingScope);
        }
        if self.enabled == Some(false) || kind == Some(false) {
            return Err(NotAllowed::Disabled);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s12_s13_settings_resolve_from_type_over_call_to_request() {
        let quality = |text| Quality::parse(text).ok();
        let kind = BroadcastSettings {
            enabled: Some(true),
            rtmp: Some(true),
            quality: quality("720p"),
            layout: Some("grid".into()),
            ..BroadcastSettings::default()
        };
        let call = BroadcastSettings { rtmp: Some(false), ..BroadcastSettings::default() };
        let request = BroadcastSettings {
            quality: quality("portrait-1080x1920"),
            ..BroadcastSettings::default()
        };
        let resolved = request.over(&call.over(&kind));
        assert_eq!(
            (resolved.enabled, resolved.rtmp, resolved.hls),
            (Some(true), Some(false), None)
        );
        assert_eq!(resolved.quality, Some(Quality { lines: 1080, portrait: true }));
        assert_eq!(resolved.layout.as_deref(), Some("grid"));
        let scopes = [Scope::Read, Scope::StartOutput];
        assert_eq!(resolved.may_start_rtmp(&scopes), Err(NotAllowed::Disabled));
        assert_eq!(resolved.may_start_hls(&scopes), Ok(()));
        let off = BroadcastSettings { enabled: Some(false), ..BroadcastSettings::default() };
        assert_eq!(off.may_start_hls(&scopes), Err(NotAllowed::Disabled));
        assert_eq!(BroadcastSettings::default().may_start_rtmp(&scopes), Ok(()));
    }

    #[test]
    fn s14_who_lacks_the_scope_starts_nothing() {
        let open = BroadcastSettings::default();
        for scopes in [&[][..], &[Scope::Read, Scope::Manage, Scope::StopOutput]] {
            assert_eq!(open.may_start_rtmp(scopes), Err(NotAllowed::MissingScope));
        }
    }

    #[test]
    fn qualities_that_are_none() {
        for good in ["360p", "480p", "720p", "1080p", "1440p", "portrait-360x640"] {
            assert!(Quality::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "p", "720", "721p", "0720p", "portrait-720x1281", "720pp"] {
            assert_eq!(Quality::parse(bad).map_err(|it| it.field()), Err(Some("quality")), "{bad}");
        }
    }
}
