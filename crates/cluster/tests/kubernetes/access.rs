//! Credentials, and what they allow.

use std::sync::Arc;

use serde_json::{Value, json};
use slipway_cluster::KubeConnector;
use slipway_portal::outgoing::Outgoing;
use slipway_portal::ports::{ClusterAccess, ClusterConnector as _, ClusterError, NEEDS, Need};

use crate::sandbox::{NAMESPACE, Sandbox, access, connect, deployment, kubeconfig};

#[tokio::test]
async fn clients_of_the_same_access_are_shared() {
    let connector = KubeConnector::new(Outgoing::with_loopback());
    let one = access(kubeconfig("http://127.0.0.1:1", "a"));
    let first = connector.connect(&one).await.expect("a client");
    let again = connector.connect(&one).await.expect("a client");
    let other = connector
        .connect(&access(kubeconfig("http://127.0.0.1:1", "b")))
        .await
        .expect("a client");
    assert!(Arc::ptr_eq(&first, &again) && !Arc::ptr_eq(&first, &other));
}

#[tokio::test]
async fn a_wrong_token_is_forbidden() {
    let sandbox = Sandbox::start().await;
    let cluster = connect(&sandbox.handle.url(), "wrong").await.expect("a client");
    let refused = cluster.workload(NAMESPACE, "web").await.expect_err("no access");
    assert!(
        matches!(&refused, ClusterError::Forbidden(what) if what.contains("Unauthorized")),
        "{refused:?}"
    );
    assert!(matches!(
        cluster.ensure_namespace(NAMESPACE).await,
        Err(ClusterError::Forbidden(_))
    ));
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn a_closed_port_is_unreachable_at_once() {
    // Taken and given back: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let cluster = connect(&format!("http://{free}"), "t").await.expect("a client");
    let refused = cluster.version().await.expect_err("nobody there");
    assert!(
        matches!(&refused, ClusterError::Unreachable(why) if why.to_lowercase().contains("refused")),
        "{refused:?}"
    );
    assert!(refused.is_passing());
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_ten_seconds() {
    // It accepts connections into its backlog, and that is all.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let cluster = connect(&format!("http://{address}"), "t")
        .await
        .expect("a client");
    let refused = cluster.workload(NAMESPACE, "web").await.expect_err("no answer");
    assert!(
        matches!(&refused, ClusterError::Unreachable(why) if why == "no answer within 10 s"),
        "{refused:?}"
    );
}

async fn refused(access: ClusterAccess) -> String {
    match KubeConnector::new(Outgoing::with_loopback())
        .connect(&access)
        .await
    {
        Err(ClusterError::Forbidden(what)) => what,
        Err(other) => panic!("unexpected {other:?}"),
        Ok(_) => panic!("a client"),
    }
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_says_why() {
    assert!(refused(access("{ not yaml")).await.contains("cannot be read"));
    let unknown = ClusterAccess {
        context: Some("prod".into()),
        ..access(kubeconfig("http://127.0.0.1:1", "t"))
    };
    let said = refused(unknown).await;
    assert!(
        said.contains("no context \"prod\"") && said.contains("it has: test"),
        "{said}"
    );
}

#[tokio::test]
async fn a_kubeconfig_may_not_run_programs_or_read_files_of_this_machine() {
    let users = [
        json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": ["x"], "interactiveMode": "Never" } }),
        json!({ "tokenFile": "/etc/hostname" }),
        json!({ "client-certificate": "/etc/hostname", "client-key": "/etc/hostname" }),
        json!({ "auth-provider": { "name": "gcp", "config": { "cmd-path": "touch" } } }),
    ];
    for user in users {
        let mut config: Value = serde_json::from_str(&kubeconfig("http://127.0.0.1:1", "t")).expect("JSON");
        config["users"][0]["user"] = user;
        let said = refused(access(config.to_string())).await;
        assert!(
            said.contains("a program or a file of Slipway's machine"),
            "{said}"
        );
    }
    let mut config: Value = serde_json::from_str(&kubeconfig("https://127.0.0.1:1", "t")).expect("JSON");
    config["clusters"][0]["cluster"]["certificate-authority"] = json!("/etc/hostname");
    assert!(
        refused(access(config.to_string()))
            .await
            .contains("certificate-authority")
    );
}

#[tokio::test]
async fn a_kubeconfig_of_the_operator_may_take_its_token_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "t").expect("a file");
    let mut config: Value = serde_json::from_str(&kubeconfig("http://127.0.0.1:1", "t")).expect("JSON");
    config["users"][0]["user"] = json!({ "tokenFile": file });
    let of_the_operator = ClusterAccess {
        operator: true,
        ..access(config.to_string())
    };
    assert!(
        KubeConnector::new(Outgoing::with_loopback())
            .connect(&of_the_operator)
            .await
            .is_ok()
    );
    refused(access(config.to_string())).await;
}

#[tokio::test]
async fn what_a_token_does_not_allow_is_listed() {
    let sandbox = Sandbox::start().await;
    assert_eq!(
        sandbox.cluster.denied(NAMESPACE, NEEDS).await.expect("reviews"),
        vec![]
    );
    let reader = sandbox.reader().await;
    let denied = reader.denied(NAMESPACE, NEEDS).await.expect("reviews");
    let writes = |need: &&Need| !matches!(need.verb, "get" | "list" | "watch");
    let expected: Vec<Need> = NEEDS.iter().filter(writes).copied().collect();
    assert!(!expected.is_empty() && expected.len() < NEEDS.len());
    assert_eq!(denied, expected);
    reader.ensure_namespace(NAMESPACE).await.expect("it is there");
    let refused = reader
        .apply(&deployment("web", 1), 1, &[])
        .await
        .expect_err("may only read");
    assert!(
        matches!(&refused, ClusterError::Forbidden(what) if what.contains("cannot patch resource")),
        "{refused:?}"
    );
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn a_kubeconfig_leads_to_no_machine_of_slipway_s_however_it_is_written() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("it does not wait");
    let port = listener.local_addr().expect("an address").port();
    let connector = KubeConnector::new(Outgoing::default());
    for host in [
        "127.0.0.1",
        "[::1]",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "localhost",
        "169.254.169.254",
        "[fd00:ec2::254]",
    ] {
        let access = access(kubeconfig(&format!("http://{host}:{port}"), "t"));
        let said = connector.admits(&access).await.expect_err("it is typed");
        assert!(says_out_of_bounds(&said), "{host}: {said:?}");
        // What was kept before the rule, or by a name that led elsewhere then, is asked again by each connection.
        let said = match connector.connect(&access).await {
            Ok(client) => client.version().await.expect_err("it connects"),
            Err(refused) => refused,
        };
        assert!(says_out_of_bounds(&said), "{host}: {said:?}");
    }
    assert!(listener.accept().is_err(), "nobody was asked");
}

fn says_out_of_bounds(error: &ClusterError) -> bool {
    matches!(error, ClusterError::Forbidden(what) if what.contains("outgoing.allow"))
}

#[tokio::test]
async fn a_kubeconfig_may_not_name_a_proxy() {
    let mut config: Value =
        serde_json::from_str(&kubeconfig("https://cluster.example.com", "t")).expect("JSON");
    config["clusters"][0]["cluster"]["proxy-url"] = json!("http://169.254.169.254");
    assert!(refused(access(config.to_string())).await.contains("proxy-url"));
}

#[tokio::test]
async fn slipways_own_service_account_is_lent_to_people_only_where_the_operator_says_so() {
    let own = |operator: bool| ClusterAccess {
        kubeconfig: None,
        context: None,
        operator,
    };
    let strict = KubeConnector::new(Outgoing::with_loopback());
    assert!(!strict.in_cluster());
    for said in [
        strict.admits(&own(false)).await,
        strict.connect(&own(false)).await.map(drop),
    ] {
        let said = said.expect_err("it is typed");
        assert!(
            matches!(&said, ClusterError::Forbidden(what) if what.contains("outgoing.in_cluster")),
            "{said:?}"
        );
    }
    strict
        .admits(&own(true))
        .await
        .expect("whoever runs the server may");
    // There is no such account here: it is looked for, and not refused.
    let said = strict.connect(&own(true)).await.map(drop).expect_err("no pod");
    assert!(!said.to_string().contains("outgoing.in_cluster"), "{said}");
    let lending = KubeConnector::new(Outgoing::with_loopback().lending_itself(true));
    assert!(lending.in_cluster());
    lending.admits(&own(false)).await.expect("it is lent");
}
