//! python-gitlab, unchanged, judges the sandbox's GitLab.

use std::path::{Path, PathBuf};
use std::process::Command;

use slipway_sandbox::gitlab::{GitlabConfig, start};

/// A Python that can import python-gitlab: the system's, or a virtual environment's made for the tests.
fn python() -> Result<PathBuf, String> {
    let imports = |python: &Path| {
        Command::new(python)
            .args(["-c", "import gitlab.v4.objects"])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let system = PathBuf::from("python3");
    if imports(&system) {
        return Ok(system);
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("python-gitlab");
    let python = folder.join("bin/python3");
    if imports(&python) {
        return Ok(python);
    }
    let run = |command: &mut Command| match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "python-gitlab"]))?;
    Ok(python)
}

#[tokio::test(flavor = "multi_thread")]
async fn python_gitlab_works_against_the_sandbox_unchanged() {
    let python = match python() {
        Ok(python) => python,
        Err(reason) => return println!("skipped: python-gitlab cannot be had: {reason}"),
    };
    let data = tempfile::tempdir().expect("a folder");
    let config = GitlabConfig {
        data: data.path().to_owned(),
        addr: ([127, 0, 0, 1], 0).into(),
        public_url: None,
    };
    let gitlab = start(config).await.expect("a GitLab");
    gitlab
        .seed_user("dev-1", "Dana Developer", "dev-1@acme.example")
        .expect("a user");
    gitlab.seed_samples(&["dev-1"]).expect("sample projects");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/gitlab/judge.py");
    let (url, token) = (gitlab.url(), gitlab.admin_token().to_owned());
    let output =
        tokio::task::spawn_blocking(move || Command::new(python).arg(script).args([url, token]).output())
            .await
            .expect("the judge's thread")
            .expect("python3 runs");
    gitlab.shutdown().await;
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(said.contains("python-gitlab is content"), "{said}");
}
