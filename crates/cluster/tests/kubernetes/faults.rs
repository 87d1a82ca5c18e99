//! Bad days of the cluster and of the network.

use slipway_portal::ports::ClusterError;
use slipway_sandbox::faults::{Fault, FaultMatch};

use crate::sandbox::{NAMESPACE, Sandbox, deployment};

impl Sandbox {
    /// The next request to a Deployment fails in this way, and only that.
    fn fail_once(&self, method: &str, fault: Fault) {
        let matching = FaultMatch {
            method: Some(method.to_owned()),
            path_regex: Some("/deployments".to_owned()),
        };
        self.handle
            .faults()
            .add(matching, fault, Some(1))
            .expect("a rule");
    }

    async fn failed_read(&self, fault: Fault) -> ClusterError {
        self.fail_once("GET", fault);
        let error = self
            .cluster
            .workload(NAMESPACE, "web")
            .await
            .expect_err("a bad day");
        assert!(error.is_passing(), "{error:?}");
        let after = self
            .cluster
            .workload(NAMESPACE, "web")
            .await
            .expect("a better day");
        assert_eq!(after.map(|status| status.desired), Some(1));
        error
    }
}

#[tokio::test]
async fn what_passes_by_itself_is_told_apart_and_never_tried_again_in_secret() {
    let sandbox = Sandbox::start().await;
    sandbox.apply(&deployment("web", 1)).await.expect("applied");
    let limited = sandbox.failed_read(Fault::RateLimited { retry_after: 7 }).await;
    assert!(
        matches!(limited, ClusterError::Limited { retry_after: 7 }),
        "{limited:?}"
    );
    let broken = sandbox.failed_read(Fault::Status { code: 503 }).await;
    assert!(
        matches!(&broken, ClusterError::Broken(why) if why.contains("503")),
        "{broken:?}"
    );
    let dropped = sandbox.failed_read(Fault::Drop).await;
    assert!(matches!(dropped, ClusterError::Unreachable(_)), "{dropped:?}");
    let truncated = sandbox.failed_read(Fault::Truncate).await;
    assert!(matches!(truncated, ClusterError::Unreachable(_)), "{truncated:?}");
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn an_apply_whose_answer_was_lost_can_be_sent_again() {
    let sandbox = Sandbox::start().await;
    // The server applies it and then cuts its answer.
    sandbox.fail_once("PATCH", Fault::Truncate);
    let lost = sandbox.apply(&deployment("web", 1)).await.expect_err("no answer");
    assert!(lost.is_passing(), "{lost:?}");
    sandbox.apply(&deployment("web", 1)).await.expect("applied");
    assert_eq!(sandbox.rolled_out("web").await.generation, 1);
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn a_log_that_cannot_be_read_does_not_hide_the_trouble() {
    let sandbox = Sandbox::start().await;
    sandbox
        .apply(&crate::sandbox::behaving("web", 1, "crash-loop"))
        .await
        .expect("applied");
    let matching = FaultMatch {
        method: None,
        path_regex: Some("/log".to_owned()),
    };
    sandbox
        .handle
        .faults()
        .add(matching, Fault::Status { code: 500 }, None)
        .expect("a rule");
    let found = crate::sandbox::until("a crash", || async {
        let found = sandbox
            .cluster
            .trouble(NAMESPACE, "web")
            .await
            .expect("an answer");
        found.into_iter().find(|trouble| trouble.restarts >= 1)
    })
    .await;
    assert!(
        found.log.is_empty() && found.message.contains("its log cannot be read"),
        "{found:?}"
    );
    sandbox.handle.shutdown().await;
}
