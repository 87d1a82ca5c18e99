//! An import on GitLab's bad days: limited, gone, broken, silent, and with a token that is refused.

use crate::imports::{audited, fresh_group, item, on_both};
use crate::world::{ORG, PROJECT, World};
use slipway_domain::import::{ImportState, ItemState};
use slipway_domain::time::SECOND;
use slipway_portal::import::{self, Asked};
use slipway_sandbox::faults::Fault;

/// The question about one project.
const ONE: &str = r"/projects/[0-9]+\??$";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gitlabs_bad_days_are_waited_out_or_told() {
    Box::pin(on_both(bad_days)).await;
}

#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn bad_days(world: &World) {
    let group = world.warehouse().await;
    let ctx = world.ctx();
    // The list says what is wrong where the list would be.
    let asked = Asked {
        group: Some(group),
        ..Asked::default()
    };
    world.fault("groups", Fault::Status { code: 502 }, Some(1));
    let shown = world.chooser(&asked).await;
    assert!(shown.repositories.is_none() && shown.trouble.unwrap().en.contains("GitLab failed"));
    let nowhere = Asked {
        group: Some(999_999),
        ..Asked::default()
    };
    let shown = world.chooser(&nowhere).await;
    assert!(shown.trouble.unwrap().en.contains("no such group"));

    // 429: it waits as long as GitLab says, then goes on by itself.
    world.fault(ONE, Fault::RateLimited { retry_after: 40 }, Some(1));
    let id = world.start(&ctx, group).await;
    world.work().await;
    let view = world.seen(id).await;
    assert!(view.trouble.unwrap().en.contains("40 seconds"));
    let wait = view.retry_at.unwrap().since(world.portal.clock.now());
    assert!((39 * SECOND..=40 * SECOND).contains(&wait), "{wait}");
    let view = world.ended(id).await;
    assert_eq!(
        (view.row.state, view.row.counts.done),
        (ImportState::Done, 5),
        "{view:?}"
    );
    assert_eq!((view.trouble, view.retry_at), (None, None));

    // 404 of one: that one fails, and is tried again once it is there.
    let (more, one) = fresh_group(world, "late", 3).await;
    let gone = world.fault(
        &format!(r"/projects/{one}\??$"),
        Fault::Status { code: 404 },
        None,
    );
    let id = world.start(&ctx, more).await;
    let view = world.ended(id).await;
    let counts = view.row.counts;
    assert_eq!(
        (view.row.state, counts.done, counts.failed),
        (ImportState::Done, 2, 1)
    );
    let failed = view
        .items
        .items
        .iter()
        .find(|item| item.state == ItemState::Failed)
        .unwrap();
    assert_eq!(failed.repository, one);
    assert!(failed.reason.as_ref().unwrap().en.contains("then try again"));
    assert_eq!(audited(world, "import.repository").await.len(), 1);
    world.gitlab.faults().remove(gone);
    import::retry(&ctx, ORG, PROJECT, id).await.unwrap();
    assert_eq!(world.ended(id).await.row.counts.done, 3);
    let refused = import::retry(&ctx, ORG, PROJECT, id).await.unwrap_err();
    assert_eq!(refused.code(), "nothing_to_retry");
    assert_eq!(
        world.seen(id).await.row.state,
        ImportState::Done,
        "nothing changed"
    );

    // 500 and silence: some tries, then the repository is given up, then the import.
    let (more, one) = fresh_group(world, "broken", 4).await;
    let down = world.fault(ONE, Fault::Status { code: 500 }, None);
    let id = world.start(&ctx, more).await;
    let view = world.ended(id).await;
    let counts = view.row.counts;
    assert_eq!(
        (view.row.state, counts.failed, counts.waiting),
        (ImportState::Stopped, 2, 2)
    );
    assert!(
        view.reason
            .clone()
            .unwrap()
            .en
            .contains("2 repositories in a row")
    );
    let given_up = item(&view, "broken/r0").reason.clone().unwrap();
    assert!(given_up.en.contains("5 times"), "{given_up:?}");
    assert!(one > 0);
    world.gitlab.faults().remove(down);
    world.fault(ONE, Fault::Drop, Some(2));
    import::retry(&ctx, ORG, PROJECT, id).await.unwrap();
    let view = world.ended(id).await;
    assert_eq!(
        (view.row.state, view.row.counts.done),
        (ImportState::Done, 4),
        "{view:?}"
    );

    // 401: nothing can go on, and it says what to do. 403 of the webhook: the app is there, with a word about it.
    let (more, _) = fresh_group(world, "token", 2).await;
    let refused = world.fault(ONE, Fault::Status { code: 401 }, None);
    let id = world.start(&ctx, more).await;
    let view = world.ended(id).await;
    assert_eq!(
        (view.row.state, view.row.counts.waiting),
        (ImportState::Stopped, 2)
    );
    assert!(
        view.reason
            .clone()
            .unwrap()
            .en
            .contains("renew it in the settings")
    );
    world.gitlab.faults().remove(refused);
    let hooks = world.fault("/hooks", Fault::Status { code: 403 }, None);
    import::retry(&ctx, ORG, PROJECT, id).await.unwrap();
    let view = world.ended(id).await;
    assert_eq!(view.row.counts.done, 2);
    let note = item(&view, "token/r0").reason.clone().unwrap();
    assert!(note.en.contains("takes no webhook"), "{note:?}");
    world.gitlab.faults().remove(hooks);
}
