//! Nothing is lost, and every piece says what it is.

use slipway_domain::pipeline::file::{CutKind, Import, ReasonCode, import, is_refused, write_back};
use slipway_domain::pipeline::source::SourceCode;
use slipway_domain::pipeline::{Pipeline, Segment, compile, instantiate, templates};

use super::{corpus, fixtures};

/// Imports a file and checks that its pieces are the file.
pub fn whole(name: &str, text: &str) -> Import {
    let imported = import(text, true).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let mut place = 0;
    let mut line = 1;
    for cut in &imported.segments {
        assert_eq!((cut.start, cut.first_line), (place, line), "{name}: {cut:?}");
        assert!(cut.end > cut.start, "{name}: {cut:?}");
        line += text[cut.start..cut.end].matches('\n').count();
        place = cut.end;
        assert_eq!(
            cut.kind == CutKind::Managed,
            cut.reason.is_none(),
            "{name}: {cut:?}"
        );
        let reason = cut.reason.as_ref();
        assert!(reason.is_none_or(|reason| !reason.text.en.is_empty() && !reason.text.zh.is_empty()));
    }
    assert_eq!(place, text.len(), "{name}");
    assert!(write_back(text, &imported.segments) == text, "{name}");
    let stored = serde_json::to_string(&imported).expect("a document");
    assert_eq!(
        serde_json::from_str::<Import>(&stored).expect("the same"),
        imported,
        "{name}"
    );
    imported
}

#[test]
fn real_files_come_back_byte_for_byte() {
    for (path, text) in corpus::files() {
        let name = path.display().to_string();
        match import(&text, true) {
            Ok(_) => drop(whole(&name, &text)),
            // The folder also holds lists that are no pipelines.
            Err(error) => assert_eq!(error.code, SourceCode::NotAMapping, "{name}"),
        }
    }
}

#[test]
fn unusual_files_come_back_byte_for_byte() {
    for (name, text) in fixtures::all() {
        whole(name, &text);
        let crlf = text.replace("\r\n", "\n").replace('\n', "\r\n");
        whole(name, &crlf);
        whole(name, text.trim_end());
        whole(name, &format!("\u{feff}{}", text.trim_start_matches('\u{feff}')));
    }
}

#[test]
fn every_job_of_a_real_file_is_found() {
    for (path, text) in corpus::files() {
        let Ok(imported) = import(&text, true) else {
            continue;
        };
        let Some(documents) = super::reader::documents(&text) else {
            continue;
        };
        let document = match documents.as_slice() {
            [header, content, ..] if header.get("spec").is_some() => content,
            [first, ..] => first,
            [] => continue,
        };
        for job in &imported.jobs {
            let read = document.get(&job.name);
            assert!(read.is_some(), "{}: {}", path.display(), job.name);
            let stage = read.and_then(|read| read.get("stage"));
            if let Some(super::reader::Value::Scalar(stage, _)) = stage {
                assert_eq!(
                    job.stage.as_ref(),
                    Some(stage),
                    "{}: {}",
                    path.display(),
                    job.name
                );
            }
        }
    }
}

#[test]
fn pieces_have_kinds_and_reasons() {
    let text = "# Head\n\ninclude: a.yml\n\nstages: [build, test]\n\n# Plain\nplain:\n  script: [make]\n\n.hidden:\n  script: x\n\nchild:\n  trigger: other/project\n\nextended:\n  extends: .hidden\n  timeout: 1h\n\nmatrix:\n  script: x\n  parallel:\n    matrix:\n      - A: [1, 2]\n# end\n";
    let imported = whole("kinds", text);
    let shown: Vec<(Option<&str>, CutKind, Option<&ReasonCode>)> = imported
        .segments
        .iter()
        .map(|cut| {
            (
                cut.key.as_deref(),
                cut.kind,
                cut.reason.as_ref().map(|reason| &reason.code),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (None, CutKind::Opaque, Some(&ReasonCode::Comments)),
            (Some("include"), CutKind::Opaque, Some(&ReasonCode::Keyword)),
            (Some("stages"), CutKind::Managed, None),
            (Some("plain"), CutKind::Managed, None),
            (Some(".hidden"), CutKind::Opaque, Some(&ReasonCode::HiddenJob)),
            (Some("child"), CutKind::Opaque, Some(&ReasonCode::Trigger)),
            (Some("extended"), CutKind::Partial, Some(&ReasonCode::Extends)),
            (Some("matrix"), CutKind::Partial, Some(&ReasonCode::Matrix)),
            (None, CutKind::Opaque, Some(&ReasonCode::Comments)),
        ]
    );
    assert_eq!(
        &text[imported.segments[3].start..imported.segments[3].end],
        "# Plain\nplain:\n  script: [make]\n\n"
    );
    assert_eq!(imported.segments[6].locked[0].field, "extends");
    assert_eq!(imported.jobs[2].stage.as_deref(), Some("test"));
    let names: Vec<&str> = imported.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["plain", "child", "extended", "matrix"]);
}

#[test]
fn what_a_job_inherits_is_shown() {
    let text = ".base: &base\n  stage: build\n  needs: [first]\n.more:\n  image: {name: node, entrypoint: ['']}\nfirst:\n  stage: build\n  script: [[a], b]\none:\n  <<: *base\n  script: x\ntwo:\n  extends: [.base, .more]\n  script: !reference [first, script]\n  when: manual\n";
    let imported = whole("inherits", text);
    assert!(!is_refused(&imported.findings), "{:?}", imported.findings);
    let job = |name: &str| imported.jobs.iter().find(|job| job.name == name).expect("a job");
    assert_eq!(job("one").stage.as_deref(), Some("build"));
    assert_eq!(imported.needs["one"], ["first"]);
    assert_eq!(imported.needs["two"], ["first"]);
    assert_eq!(job("two").image.as_deref(), Some("node"));
    assert_eq!(job("two").script, ["a", "b"]);
    assert_eq!(job("two").when.as_deref(), Some("manual"));
    assert_eq!(job("two").extends, [".base", ".more"]);
}

#[test]
fn a_block_that_the_file_ends_in_has_no_line_break_more() {
    for (end, said) in [("", "a\nb"), ("\n", "a\nb\n")] {
        let text = format!("test:\n  script: |\n    a\n    b{end}");
        assert_eq!(whole("end", &text).jobs[0].script, [said]);
    }
}

/// As libyaml, which GitLab's reader is built on, reads them.
#[test]
fn quoted_texts_at_the_margin_say_what_gitlab_reads() {
    let all = fixtures::all();
    let (name, text) = all
        .iter()
        .find(|(name, _)| name.starts_with("quoted texts"))
        .expect("a fixture");
    let imported = whole(name, text);
    assert_eq!(imported.jobs[0].script, ["one two\nthree", "a bc \"d", "x"]);
    assert_eq!(imported.jobs[1].script, ["it's here"]);
    assert_eq!((imported.jobs[0].line, imported.jobs[1].line), (1, 12));
}

#[test]
fn much_that_is_kept_offers_a_file_of_its_own() {
    assert!(whole("most", ".a:\n  script: x\n  image: y\nt:\n  script: x\n").side_file);
    assert!(!whole("little", &fixtures::many_lines()).side_file);
}

#[test]
fn what_slipway_wrote_is_wholly_managed_and_known_again() {
    for template in templates() {
        let pipeline = instantiate(template, &[].into()).expect("defaults");
        let text = compile(&pipeline).text;
        let imported = whole(&template.key, &text);
        assert!(
            !is_refused(&imported.findings),
            "{}: {:?}",
            template.key,
            imported.findings
        );
        let ids: Vec<&str> = pipeline.jobs.iter().map(|job| job.id.as_str()).collect();
        let found: Vec<&str> = imported
            .segments
            .iter()
            .filter_map(|cut| Some(cut.marker.as_ref()?.id.as_str()))
            .collect();
        assert_eq!(found, ids);
        let again: Pipeline = imported.pipeline(&text);
        for (job, was) in again.jobs.iter().zip(&pipeline.jobs) {
            assert_eq!((&job.id, &job.name, &job.stage), (&was.id, &was.name, &was.stage));
            assert_eq!(
                (&job.when, &job.timeout, job.disabled),
                (&was.when, &was.timeout, was.disabled)
            );
        }
        let opaque = again
            .segments
            .iter()
            .filter(|segment| matches!(segment, Segment::Opaque { .. }));
        assert!(opaque.count() <= 2, "{}: {:?}", template.key, again.segments);
    }
}

#[test]
fn bombs_are_refused_however_they_are_built() {
    use std::fmt::Write;
    let mut references = String::from(".r0:\n  script: [x, x, x, x, x, x, x, x, x, x]\n");
    let mut bases = String::from(".e0:\n  script: x\n");
    let mut chain = String::from("a0: &a0 [x]\n");
    for level in 1..30 {
        let below = level - 1;
        let many = vec![format!("!reference [.r{below}, script]"); 10].join(", ");
        let _ = writeln!(references, ".r{level}:\n  script: [{many}]");
        let all: Vec<String> = (0..level).map(|base| format!(".e{base}")).collect();
        let _ = writeln!(bases, ".e{level}:\n  extends: [{}]", all.join(", "));
    }
    for level in 1..5000 {
        let _ = writeln!(chain, "a{level}: &a{level} [*a{}]", level - 1);
    }
    references.push_str("test:\n  script: !reference [.r29, script]\n");
    bases.push_str("test:\n  extends: .e29\n");
    assert!(is_refused(&whole("references", &references).findings));
    assert!(is_refused(&whole("bases", &bases).findings));
    assert_eq!(
        import(&chain, true).expect_err("too deep").code,
        SourceCode::TooDeep
    );
    let empty = "[{".repeat(400_000);
    assert_eq!(
        import(&empty, true).expect_err("too deep").code,
        SourceCode::TooDeep
    );
}
