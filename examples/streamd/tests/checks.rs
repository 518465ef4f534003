//! The table of acceptance checks names tests that exist.

use std::fs;
use std::path::Path;

fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|it| it == "rs") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_test_of_the_table_is_there() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(here.join("CHECKS.md")).unwrap();
    let mut all = String::new();
    for folder in ["src", "tests", "../../crates/control", "../../crates/hls/src"] {
        sources(&here.join(folder), &mut all);
    }
    let rows: Vec<_> =
        table.lines().filter(|it| it.starts_with("| ") && it.contains('`')).collect();
    assert_eq!(rows.len(), 120, "one row per check");
    for row in rows {
        for name in row.split('`').skip(1).step_by(2) {
            assert!(all.contains(&format!("fn {name}(")), "no such test: {name}");
        }
    }
}
