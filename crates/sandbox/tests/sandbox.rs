//! The whole sandbox: one GitLab and its clusters, over one folder.

use serde_json::Value;
use slipway_sandbox::{Sandbox, SandboxConfig, Speed};

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_with_its_clusters_and_starts_again_with_the_same_token() {
    let data = tempfile::tempdir().expect("a folder");
    let free = ([127, 0, 0, 1], 0).into();
    let config = SandboxConfig {
        data: data.path().to_owned(),
        gitlab: free,
        kubernetes: vec![("nonprod".into(), free), ("live".into(), free)],
        speed: Speed::Fast,
        kubeconfig: data.path().join("kubeconfig"),
    };
    let sandbox = Sandbox::start(config.clone()).await.expect("a sandbox");
    let token = sandbox.gitlab_token().to_owned();
    let kubeconfig: Value =
        serde_json::from_slice(&std::fs::read(sandbox.kubeconfig()).expect("written")).expect("JSON");
    assert_eq!(kubeconfig["current-context"], "nonprod");
    assert_eq!(kubeconfig["contexts"][1]["name"], "live");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    for cluster in sandbox.kubernetes() {
        let answer = client
            .get(format!("{}/version", cluster.url()))
            .bearer_auth(cluster.token())
            .send();
        assert_eq!(answer.await.expect("an answer").status(), 200);
    }
    sandbox.shutdown().await;
    let again = Sandbox::start(config).await.expect("a sandbox");
    assert_eq!(again.gitlab_token(), token);
    again.shutdown().await;
}
