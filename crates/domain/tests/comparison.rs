//! Comparisons, and what a release brings in words.

use proptest::prelude::*;
use slipway_domain::comparison::{ItemLine, Side, configuration, configuration_diff, item_keys, notes};
use slipway_domain::id::{ReleaseId, TypedId};
use slipway_domain::release::{Commit, ReleaseRef};
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use slipway_domain::workload::Workload;

fn commit(title: &str) -> Commit {
    Commit {
        sha: String::from("0123456789abcdef"),
        title: title.to_owned(),
        author: String::from("Dora"),
        author_email: String::new(),
        at: Timestamp(0),
    }
}

fn release() -> ReleaseRef {
    ReleaseRef {
        id: ReleaseId::from_uuid(uuid::Uuid::nil()),
        version: String::from("2.4.1"),
        sha: String::from("0123"),
    }
}

#[test]
fn work_items_are_found_in_commit_titles_once_each() {
    let commits = [
        commit("CHK-12: fix (see CHK-3)"),
        commit("fix CHK-12, XCHK-4 and CHK-x CHK-"),
    ];
    assert_eq!(item_keys(&commits, "CHK"), ["CHK-12", "CHK-3"]);
}

#[test]
fn notes_are_sorted_by_what_the_commits_do() {
    let commits = [
        commit("feat(cart): gift cards CHK-12"),
        commit("fix!: prices are net"),
        commit("fix: rounding of [totals]"),
        commit("Merge branch 'x': whatever"),
    ];
    let items = [
        ItemLine {
            key: String::from("CHK-12"),
            title: Some(String::from("Gift cards")),
            kind: None,
            state: None,
        },
        ItemLine {
            key: String::from("CHK-99"),
            title: None,
            kind: None,
            state: None,
        },
    ];
    for locale in [Locale::En, Locale::ZhCn] {
        insta::assert_snapshot!(
            locale.tag(),
            notes(&release(), Some("2.4.0"), &items, &commits, locale)
        );
    }
}

#[test]
fn a_configuration_shows_what_is_set_and_its_difference_what_changed() {
    let plain = Workload::default();
    let text = configuration(&plain);
    assert!(
        text.contains("replicas: 2") && !text.contains("ingress") && !text.contains("overrides"),
        "{text}"
    );
    assert!(configuration_diff(&plain, &plain).is_empty());
    let more = Workload {
        replicas: 3,
        ..plain.clone()
    };
    let diff = configuration_diff(&plain, &more);
    assert_eq!((diff.added, diff.removed), (1, 1));
}

proptest! {
    #[test]
    fn a_side_reads_back(text in "@?[a-z0-9.+_-]{1,12}") {
        if let Some(side) = Side::read(&text) {
            prop_assert_eq!(side.write(), text);
        }
    }

    /// A title cannot make a heading, a link or a line of its own.
    #[test]
    fn notes_stay_as_many_lines_as_there_are_commits(titles in proptest::collection::vec("[ -~\n]{0,30}", 0..5)) {
        let commits: Vec<Commit> = titles.iter().map(|title| commit(title)).collect();
        let text = notes(&release(), None, &[], &commits, Locale::En);
        prop_assert_eq!(text.lines().filter(|line| line.starts_with("- ")).count(), commits.len());
        let allowed = text.lines().all(|line| line.is_empty() || line.starts_with("- ") || line.starts_with("# 2.4.1")
            || ["## Breaking changes", "## Features", "## Fixes", "## Other changes"].contains(&line));
        prop_assert!(allowed, "{}", text);
    }
}
