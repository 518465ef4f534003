//! Nothing that once broke breaks again: every corpus file is an ordinary test input.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_corpus_file_passes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in levada_fuzz::TARGETS {
        let folder = root.join(name);
        let files =
            std::fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
        let mut seeds = 0;
        for file in files {
            let path = file.unwrap().path();
            println!("{}", path.display());
            target(&std::fs::read(&path).unwrap());
            seeds += 1;
        }
        assert!(seeds > 0, "{name} has no seed in its corpus");
    }
}

#[test]
fn every_target_is_listed_and_built() {
    let manifest =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let listed: BTreeSet<&str> = levada_fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
    let built: BTreeSet<&str> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""))
        .collect();
    assert_eq!(listed, built);
}
