use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BTreeMap;
use alloc::string::String;

use crate::attributes::attributes;

/// What `EXT-X-DEFINE` can refer to beside its own values (§4.3.2.3): the variables of the multivariant playlist,
/// and the query of the URI that the playlist came from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Variables {
    /// Variables of the multivariant playlist, for `IMPORT`.
    pub imported: BTreeMap<String, String>,
    /// The query of the playlist's URI, without its question mark, for `QUERYPARAM`.
    pub query: String,
    /// Variables defined so far.
    pub defined: BTreeMap<String, String>,
}

impl Variables {
    /// Takes an `EXT-X-DEFINE` into account. `None` if it names nothing that can be had.
    pub(super) fn define(&mut self, list: &str) -> Option<()> {
        let find = |name| attributes(list).find(|it| it.name == name).map(|it| it.value);
        let (name, value) = if let Some(name) = find("NAME") {
            (name, find("VALUE")?.to_owned())
        } else if let Some(name) = find("IMPORT") {
            (name, self.imported.get(name)?.clone())
        } else {
            let name = find("QUERYPARAM")?;
            let pairs = self.query.split('&').filter_map(|it| it.split_once('='));
            (name, pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()?.to_owned())
        };
        self.defined.insert(name.to_owned(), value).is_none().then_some(())
    }

    /// Replaces every `{$name}`. `None` if one is not defined.
    pub(super) fn replace<'a>(&self, line: &'a str) -> Option<Cow<'a, str>> {
        if !line.contains("{$") {
            return Some(line.into());
        }
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("{$") {
            let Some((name, behind)) = after.split_once('}') else { break };
            out.push_str(before);
            out.push_str(self.defined.get(name)?);
            rest = behind;
        }
        out.push_str(rest);
        Some(out.into())
    }
}
