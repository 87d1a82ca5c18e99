//! `slipway check-config` against the sandbox, on good and on bad days.

use slipway_sandbox::faults::{Fault, FaultMatch};
use slipway_sandbox::{Sandbox, SandboxConfig, Speed};
use slipway_server::command::check::check;
use slipway_server::config::Config;
use std::path::Path;

async fn sandbox(folder: &Path) -> Sandbox {
    let free = "127.0.0.1:0".parse().unwrap();
    Sandbox::start(SandboxConfig {
        data: folder.join("sandbox"),
        gitlab: free,
        kubernetes: vec![(String::from("one"), free)],
        speed: Speed::Fast,
        kubeconfig: folder.join("kubeconfig"),
    })
    .await
    .unwrap()
}

fn config(folder: &Path, gitlab: &str, token: &str, context: &str) -> Config {
    let text = format!(
        "[secrets]\nkey = \"0123456789abcdef\"\n[database]\nurl = \"sqlite://{folder}/slipway.db\"\n\
         [[gitlab]]\nname = \"main\"\nbase_url = \"{gitlab}\"\ntoken = \"{token}\"\n\
         [[clusters]]\nname = \"one\"\nkubeconfig = \"kubeconfig\"\ncontext = \"{context}\"\n",
        folder = folder.display()
    );
    let path = folder.join("slipway.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(Some(&path)).unwrap()
}

fn line<'a>(lines: &'a [String], what: &str) -> &'a str {
    lines
        .iter()
        .find(|line| line.contains(what))
        .unwrap_or_else(|| panic!("no line about {what}: {lines:?}"))
}

#[tokio::test]
async fn a_good_configuration_passes_and_each_trouble_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = sandbox(folder.path()).await;
    let (url, token) = (sandbox.gitlab_url(), sandbox.gitlab_token().to_owned());

    let good = check(&config(folder.path(), &url, &token, "one")).await;
    assert!(!good.failed(), "{:?}", good.lines());
    assert!(line(good.lines(), "gitlab `main`").contains("knows the token as root"));
    assert!(line(good.lines(), "cluster `one`").contains("answers as v"));

    let token_is_wrong = check(&config(folder.path(), &url, "glpat-wrong", "one")).await;
    assert!(token_is_wrong.failed());
    let told = line(token_is_wrong.lines(), "gitlab `main`");
    assert!(
        told.starts_with("FAIL") && told.contains("refuses the token") && told.contains("scope api"),
        "{told}"
    );
    assert!(!told.contains("glpat-wrong"), "the token is not shown");
    assert!(
        line(token_is_wrong.lines(), "cluster `one`").starts_with("ok"),
        "the rest is tried all the same"
    );

    let nobody_there = check(&config(folder.path(), "http://127.0.0.1:9", &token, "none")).await;
    let told = line(nobody_there.lines(), "gitlab `main`");
    assert!(
        told.starts_with("FAIL") && told.contains("does not answer") && told.contains("base_url"),
        "{told}"
    );
    assert!(line(nobody_there.lines(), "cluster `one`").starts_with("FAIL"));

    sandbox.kubernetes()[0]
        .faults()
        .add(FaultMatch::default(), Fault::Drop, None)
        .unwrap();
    sandbox
        .gitlab()
        .faults()
        .add(FaultMatch::default(), Fault::Status { code: 502 }, None)
        .unwrap();
    let broken = check(&config(folder.path(), &url, &token, "one")).await;
    assert!(line(broken.lines(), "gitlab `main`").starts_with("FAIL"));
    assert!(line(broken.lines(), "cluster `one`").starts_with("FAIL"));
    sandbox.shutdown().await;
}
