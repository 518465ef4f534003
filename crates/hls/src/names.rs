use alloc::format;
use alloc::string::String;

/// How the resources of a rendition are called. A name never means anything else later.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    prefix: String,
    extension: &'static str,
}

/// What a name means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Resource {
    Playlist,
    Init(u32),
    Segment(u64),
    Part(u64, u32),
    Key(u32),
}

impl Names {
    pub(crate) fn new(prefix: &str, extension: &'static str) -> Self {
        Self { prefix: prefix.into(), extension }
    }

    pub(crate) fn write(&self, resource: Resource) -> String {
        let Self { prefix, extension } = self;
        match resource {
            Resource::Playlist => format!("{prefix}.m3u8"),
            Resource::Init(number) => format!("{prefix}-init{number}.mp4"),
            Resource::Segment(sequence) => format!("{prefix}-{sequence}.{extension}"),
            Resource::Part(sequence, part) => format!("{prefix}-{sequence}.{part}.{extension}"),
            Resource::Key(number) => format!("{prefix}-key{number}.bin"),
        }
    }

    /// The resource of a name, if it is written exactly as [`write`](Self::write) does: `01` is not `1`.
    pub(crate) fn read(&self, name: &str) -> Option<Resource> {
        let rest = name.strip_prefix(&self.prefix)?;
        let numbers = rest.strip_prefix('-');
        let resource = if rest == ".m3u8" {
            Resource::Playlist
        } else if let Some(init) = rest.strip_prefix("-init") {
            Resource::Init(init.strip_suffix(".mp4")?.parse().ok()?)
        } else if let Some(key) = rest.strip_prefix("-key") {
            Resource::Key(key.strip_suffix(".bin")?.parse().ok()?)
        } else {
            let numbers = numbers?.strip_suffix(self.extension)?.strip_suffix('.')?;
            match numbers.split_once('.') {
                None => Resource::Segment(numbers.parse().ok()?),
                Some((sequence, part)) => {
                    Resource::Part(sequence.parse().ok()?, part.parse().ok()?)
                }
            }
        };
        (self.write(resource) == name).then_some(resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_to_one() {
        let names = Names::new("v0", "m4s");
        for (resource, name) in [
            (Resource::Playlist, "v0.m3u8"),
            (Resource::Init(3), "v0-init3.mp4"),
            (Resource::Segment(u64::MAX), "v0-18446744073709551615.m4s"),
            (Resource::Part(7, 11), "v0-7.11.m4s"),
            (Resource::Key(2), "v0-key2.bin"),
        ] {
            assert_eq!(names.write(resource), name);
            assert_eq!(names.read(name), Some(resource));
        }
    }

    #[test]
    fn out_10_what_was_never_named_is_nothing() {
        let names = Names::new("v0", "m4s");
        for name in [
            "",
            "v0",
            "v0-",
            "v0-.m4s",
            "v0-01.m4s",
            "v0-+1.m4s",
            "v0-1.ts",
            "v0-1.2.3.m4s",
            "v0--1.m4s",
            "v0-18446744073709551616.m4s",
            "v1-1.m4s",
            "../v0.m3u8",
            "v0-init.mp4",
            "v0-1.m4sx",
            "v0-é.m4s",
        ] {
            assert_eq!(names.read(name), None, "{name}");
        }
    }
}
