//! A job copied from one file into another.

use slipway_domain::pipeline::file::Refusal;
use slipway_domain::pipeline::file::carry::carry;
use slipway_domain::pipeline::file::drift::{block, drift, restore};

const FROM: &str = "stages: [build, check, ship]\n\n.node: &node\n  image: node:24\n\n.base:\n  extends: .node\n  retry: 1\n\n# Finds mistakes.\nlint: # quick\n  extends: .base\n  stage: check\n  needs: [build]\n  script:\n    - !reference [.steps, script]\n    - npm run lint\n\n.steps:\n  script: npm ci\n\nbuild:\n  <<: *node\n  stage: build\n  script: npm run build\n";

#[test]
fn a_job_comes_with_its_comments_and_what_it_takes_from() {
    let to = "stages:\n  - build\n  - ship\n\npack:\n  stage: build\n  script: make\n";
    let carried = carry(FROM, "lint", to).expect("it can be copied");
    assert_eq!(
        carried.text,
        "stages:\n  - build\n  - check\n  - ship\n\npack:\n  stage: build\n  script: make\n\n.node: &node\n  image: node:24\n\n.base:\n  extends: .node\n  retry: 1\n\n# Finds mistakes.\nlint: # quick\n  extends: .base\n  stage: check\n  script:\n    - !reference [.steps, script]\n    - npm run lint\n\n.steps:\n  script: npm ci\n"
    );
    assert_eq!(carried.job, "lint");
    assert_eq!(carried.along, [".node", ".base", ".steps"]);
    assert_eq!(carried.left, ["build"]);
    assert_eq!(carried.stage.as_deref(), Some("check"));
}

#[test]
fn an_anchor_comes_along_and_a_need_that_is_there_stays() {
    let carried = carry(FROM, "build", "").expect("it can be copied");
    assert_eq!(
        carried.text,
        ".node: &node\n  image: node:24\n\nbuild:\n  <<: *node\n  stage: build\n  script: npm run build\n"
    );
    let again = carry(FROM, "lint", &carried.text).expect("it can be copied");
    assert!(again.text.contains("  needs: [build]\n"), "{}", again.text);
    assert_eq!(again.along, [".base", ".steps"]);
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    let to = "stages: [check]\r\nlint:\r\n  stage: check\r\n  script: eslint\r\n";
    let carried = carry(
        "stages: [check]\nlint:\n  stage: check\n  script: make lint\n",
        "lint",
        to,
    )
    .expect("it can be copied");
    assert_eq!(carried.job, "lint-2");
    assert_eq!(
        carried.text,
        format!("{to}\r\nlint-2:\r\n  stage: check\r\n  script: make lint\r\n")
    );
}

#[test]
fn a_mark_that_is_there_stays_with_the_first() {
    let from = "# slipway: job=test template=node@1.0.0\ntest:\n  script: npm test\n";
    let carried = carry(from, "test", from).expect("it can be copied");
    assert_eq!(
        carried.text,
        "# slipway: job=test template=node@1.0.0\ntest:\n  script: npm test\n\ntest-2:\n  script: npm test\n"
    );
}

#[test]
fn what_cannot_come_is_refused_with_the_reason() {
    let other = ".node:\n  image: node:20\nx:\n  script: x\n";
    assert_eq!(
        carry(FROM, "build", other),
        Err(Refusal::Taken { name: ".node".into() })
    );
    assert!(matches!(
        carry(FROM, "nothing", ""),
        Err(Refusal::UnknownJob { .. })
    ));
    assert!(matches!(
        carry(FROM, "stages", ""),
        Err(Refusal::UnknownJob { .. })
    ));
    assert!(matches!(carry("a: [", "a", ""), Err(Refusal::Source { .. })));
    let whole = "variables: &all\n  A: b\nx:\n  variables: *all\n  script: x\n";
    let Err(Refusal::Kept { reason, .. }) = carry(whole, "x", "") else {
        panic!("it takes from a keyword of its file");
    };
    assert!(reason.en.contains("variables"), "{}", reason.en);
    let flow = "{a: {script: x}}\n";
    assert!(matches!(
        carry(FROM, "build", flow),
        Err(Refusal::NotWhatWasMeant { .. })
    ));
}

const WRITTEN: &str = "stages: [test]\n\n# slipway: job=lint template=node@1.0.0\nlint:\n  stage: test\n  script: eslint .\n\n# slipway: job=unit template=node@1.0.0\nunit:\n  stage: test\n  script: npm test\n";

#[test]
fn a_job_that_was_edited_renamed_or_taken_out_is_put_back_as_it_was_written() {
    let edited = WRITTEN
        .replace("eslint .", "eslint . --fix # better")
        .replace('\n', "\r\n");
    let back = restore(WRITTEN, "lint", &edited).expect("it can be put back");
    assert_eq!(
        (back.text, back.job),
        (WRITTEN.replace('\n', "\r\n"), "lint".to_owned())
    );

    let renamed = WRITTEN.replace("lint:", "style:");
    assert_eq!(
        restore(WRITTEN, "lint", &renamed)
            .expect("it can be put back")
            .text,
        WRITTEN
    );

    let (start, end) = (
        WRITTEN.find("# slipway: job=lint"),
        WRITTEN.find("# slipway: job=unit"),
    );
    let gone = format!(
        "{}{}",
        &WRITTEN[..start.unwrap_or(0)],
        &WRITTEN[end.unwrap_or(0)..]
    );
    let back = restore(WRITTEN, "lint", &gone).expect("it can be put back");
    assert!(
        drift(WRITTEN, &back.text)
            .expect("YAML")
            .iter()
            .all(|one| { one.state == slipway_domain::pipeline::file::drift::DriftState::AsWritten })
    );
    assert_eq!(block(&back.text, "lint"), block(WRITTEN, "lint"));
    assert!(back.text.starts_with(&gone));
}

#[test]
fn a_job_is_not_put_back_over_another_or_where_it_would_break_the_file() {
    let other = WRITTEN.replace("# slipway: job=lint template=node@1.0.0\n", "");
    assert_eq!(
        restore(WRITTEN, "lint", &other),
        Err(Refusal::Taken { name: "lint".into() })
    );
    assert!(matches!(
        restore(WRITTEN, "deploy", WRITTEN),
        Err(Refusal::UnknownJob { .. })
    ));
    let stage = WRITTEN
        .replace("stages: [test]", "stages: [check]")
        .replace("stage: test", "stage: check");
    assert!(matches!(
        restore(WRITTEN, "lint", &stage),
        Err(Refusal::WouldBreak { .. })
    ));
}
