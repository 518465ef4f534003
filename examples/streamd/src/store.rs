//! What survives the process: the plane at rest, its keys, and what surfaces keep for their callers.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use levada_control::{InputId, KeyRef, Keyring, Plane, Secret, Snapshot};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::figures::{Stretch, Unsaved};

const STATE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("state");

/// What streams were like: by the input's id and the minute's beginning, in the order of [`Stretch`]'s fields.
const FIGURES: TableDefinition<'_, (&str, i64), Row> = TableDefinition::new("figures");
type Row = (u64, u64, u64, u32, u32, u64);

/// Values that belong to nobody's machine, such as fields that a surface echoes. By a path: `call-type/default`, or
/// `input/ID/region` for what goes with an input, whichever API deletes it.
pub type Extras = BTreeMap<String, Value>;

/// Forgets what was kept of inputs, outputs and so on that are gone.
pub fn forget_gone(extras: &mut Extras, plane: &Plane) {
    extras.retain(|path, _| {
        let mut words = path.splitn(3, '/');
        match (words.next(), words.next(), words.next()) {
            (Some(kind), Some(id), Some(_)) => is_there(plane, kind, id),
            _ => true,
        }
    });
}

fn is_there(plane: &Plane, kind: &str, id: &str) -> bool {
    match kind {
        "input" => id.parse().is_ok_and(|it| plane.input(it).is_some()),
        "output" => id.parse().is_ok_and(|it| plane.output(it).is_some()),
        "show" => id.parse().is_ok_and(|it| plane.show(it).is_some()),
        "recording" => id.parse().is_ok_and(|it| plane.recording(it).is_some()),
        "listener" => id.parse().is_ok_and(|it| plane.listener(it).is_some()),
        "hook" => id.parse().is_ok_and(|it| plane.hook(it).is_some()),
        _ => true,
    }
}

/// All of it at one moment.
#[derive(Default)]
pub struct Kept {
    pub plane: Option<Snapshot>,
    pub keys: Keyring,
    pub extras: Extras,
}

/// An embedded database with everything in one transaction, so that keys and plane are of the same moment.
#[derive(Debug)]
pub struct Store(Database);

#[derive(Deserialize, Serialize)]
struct Key(KeyRef, String);

impl Store {
    /// Opens or makes the database. Only this user can read it: there are keys in it.
    pub fn open(data: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(data)
            .with_context(|| format!("cannot make the folder {}", data.display()))?;
        let file = data.join("control.redb");
        let why = || {
            format!(
                "cannot open {}: does another streamd run with the same --data?",
                file.display()
            )
        };
        let database = Database::create(&file).with_context(why)?;
        private(&file).with_context(why)?;
        Ok(Self(database))
    }

    pub fn read(&self) -> anyhow::Result<Kept> {
        let begin = self.0.begin_read()?;
        let table = match begin.open_table(STATE) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Kept::default()),
            Err(why) => return Err(why.into()),
        };
        let mut kept = Kept::default();
        if let Some(plane) = table.get("plane")? {
            kept.plane = Some(
                serde_json::from_slice(plane.value())
                    .context("control.redb is of another version: move it away to begin anew")?,
            );
        }
        if let Some(keys) = table.get("keys")? {
            for Key(key, text) in serde_json::from_slice::<Vec<Key>>(keys.value())? {
                kept.keys.put(key, Secret::new(text));
            }
        }
        if let Some(extras) = table.get("extras")? {
            kept.extras = serde_json::from_slice(extras.value())?;
        }
        Ok(kept)
    }

    /// Writes everything and waits until the disk has it.
    pub fn write(&self, frozen: &Frozen) -> anyhow::Result<()> {
        let plane = serde_json::to_vec(&frozen.plane)?;
        let change = self.0.begin_write()?;
        {
            let mut table = change.open_table(STATE)?;
            table.insert("plane", plane.as_slice())?;
            table.insert("keys", serde_json::to_vec(&frozen.keys)?.as_slice())?;
            table.insert("extras", serde_json::to_vec(&frozen.extras)?.as_slice())?;
        }
        change.commit()?;
        Ok(())
    }

    /// What is known of streams, the oldest first. Inputs that are gone may be among them.
    pub fn read_figures(&self) -> anyhow::Result<Vec<(InputId, Stretch)>> {
        let table = match self.0.begin_read()?.open_table(FIGURES) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(why) => return Err(why.into()),
        };
        let mut all = Vec::new();
        for row in table.iter()? {
            let (key, row) = row?;
            let (input, at) = key.value();
            let (media_ms, bytes, frames, height, fps, keyframe_ms) = row.value();
            let stretch = Stretch { at, media_ms, bytes, frames, height, fps, keyframe_ms };
            all.push((input.parse()?, stretch));
        }
        Ok(all)
    }

    /// Writes what is new of streams, and lets go what is forgotten.
    pub fn write_figures(&self, unsaved: &[Unsaved]) -> anyhow::Result<()> {
        let change = self.0.begin_write()?;
        {
            let mut table = change.open_table(FIGURES)?;
            for Unsaved { input, first, minutes, .. } in unsaved {
                let input = input.to_string();
                let input = input.as_str();
                table.retain_in((input, i64::MIN)..(input, *first), |_, _| false)?;
                for it in minutes {
                    let row = (it.media_ms, it.bytes, it.frames, it.height, it.fps, it.keyframe_ms);
                    table.insert((input, it.at), row)?;
                }
            }
        }
        change.commit()?;
        Ok(())
    }
}

/// What is to be written, taken while nothing changed.
pub struct Frozen {
    plane: Snapshot,
    keys: Vec<Key>,
    extras: Extras,
}

impl Frozen {
    pub fn new(plane: Snapshot, keys: &Keyring, extras: &Extras) -> Self {
        let keys = keys.iter().map(|(key, secret)| Key(key, secret.reveal().to_owned()));
        Self { plane, keys: keys.collect(), extras: extras.clone() }
    }
}

#[cfg(unix)]
fn private(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn private(_file: &Path) -> std::io::Result<()> {
    Ok(())
}
