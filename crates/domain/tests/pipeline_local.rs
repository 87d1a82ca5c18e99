//! gitlab-ci-local, unchanged, runs what the templates make of the samples: a second reader of GitLab's files that nobody
//! here wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use slipway_domain::pipeline::{compile, form, instantiate, template};

/// A template, the sample it is for, its parameters, and the jobs that run with what a machine has that builds Slipway.
type Case = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

const CASES: &[Case] = &[
    ("node", "order-api", &[], &["unit-test"]),
    ("node", "order-api", &[("test_tool", "custom")], &["unit-test"]),
    ("python", "ledger", &[("test_tool", "unittest")], &["unit-test"]),
    (
        "static-site",
        "storefront",
        &[("output", "dist")],
        &["build-site"],
    ),
];

/// The program, and why there is none.
fn program() -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = root.join("end2end/node_modules/.bin/gitlab-ci-local");
    if !file.exists() {
        return Err(format!("{} is not installed", file.display()));
    }
    for tool in ["node", "git", "rsync"] {
        let found = Command::new(tool).arg("--version").output();
        if !found.is_ok_and(|output| output.status.success()) {
            return Err(format!("there is no {tool}"));
        }
    }
    Ok(file)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the sample") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its kind").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

fn git(folder: &Path, arguments: &[&str]) {
    let done = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Slipway", "-c", "user.email=slipway@example.com"])
        .args(arguments)
        .output()
        .expect("git");
    assert!(done.status.success(), "git {arguments:?}: {}", said(&done));
}

fn said(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    texts.concat()
}

#[test]
fn the_same_file_runs_green_under_gitlab_ci_local() {
    let program = match program() {
        Ok(program) => program,
        Err(reason) => return println!("skipped: gitlab-ci-local cannot be had: {reason}"),
    };
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sandbox/samples");
    let place =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("gitlab-ci-local-{}", std::process::id()));
    for (number, (key, sample, inputs, jobs)) in CASES.iter().enumerate() {
        let template = template(key).expect("a built-in template");
        let inputs: BTreeMap<String, String> = inputs
            .iter()
            .map(|(id, value)| ((*id).to_owned(), (*value).to_owned()))
            .collect();
        let parsed = form::parse(&template.params, &inputs);
        assert!(parsed.errors.is_empty(), "{key}: {:?}", parsed.errors);
        let pipeline = instantiate(template, &parsed.values).expect("checked values");
        let folder = place.join(number.to_string());
        copy(&samples.join(sample), &folder);
        fs::write(folder.join(".gitlab-ci.yml"), compile(&pipeline).text).expect("the file");
        git(&folder, &["init", "--quiet", "--initial-branch=main"]);
        git(&folder, &["add", "--all"]);
        git(&folder, &["commit", "--quiet", "--message=The sample"]);
        git(
            &folder,
            &[
                "remote",
                "add",
                "origin",
                "https://gitlab.example.com/acme/sample.git",
            ],
        );
        for job in *jobs {
            let done = Command::new(&program)
                .current_dir(&folder)
                .args(["--force-shell-executor", "--no-artifacts-to-source", job])
                .output()
                .expect("gitlab-ci-local");
            let said = said(&done);
            assert!(
                done.status.success() && said.contains("PASS"),
                "{key} {job}: {said}"
            );
        }
    }
    fs::remove_dir_all(&place).expect("the folder is removed");
}
