//! Importing work items from files.

use super::World;
use super::item::{checkout, member};
use slipway_domain::access::Role;
use slipway_domain::id::IntakeId;
use slipway_domain::intake::{Column, IntakeState, IntakeView, Meaning, Source};
use slipway_domain::item::{Category, ItemKind};
use slipway_portal::intake::{self, Choice};
use slipway_portal::{Error, OpCtx, item, jobs};
use std::fmt::Write as _;

async fn view(ctx: &OpCtx, id: IntakeId) -> IntakeView {
    intake::view(ctx, "acme", "checkout", id).await.unwrap()
}

async fn begin(ctx: &OpCtx, source: Source, content: &str) -> IntakeId {
    intake::begin(ctx, "acme", "checkout", source, ("items.csv", content.as_bytes()))
        .await
        .unwrap()
}

async fn carry_out(world: &World, ctx: &OpCtx, id: IntakeId) -> IntakeView {
    intake::start(ctx, "acme", "checkout", id, None).await.unwrap();
    while jobs::step(&world.portal, "test").await.unwrap() {}
    view(ctx, id).await
}

/// Words are mapped, wrong rows are told and left out, and a second import of the file makes nothing again.
#[expect(clippy::too_many_lines, reason = "one story from its start to its end")]
pub async fn a_file_becomes_items_once(world: World) {
    let owner = checkout(&world).await;
    let (dora, developer) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let file = "\u{feff}Issue key,Summary,Issue Type,Status,Assignee,Labels,Labels,Due date\r\n\
                OLD-1,\"Refunds, all\",Story,In Progress,dora,money,ui,2026-11-21\r\n\
                OLD-2,'=1+1,Spike,Done,Somebody Else,,,\r\n\
                OLD-3,,Bug,Open,,,,\r\n\
                OLD-4,<script>alert(1)</script>,Bug,Closed,,,,soon\r\n";
    let refused = intake::begin(
        &developer,
        "acme",
        "checkout",
        Source::Jira,
        ("a.csv", file.as_bytes()),
    )
    .await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    for nonsense in ["", "title\n", "\u{0}"] {
        let refused = intake::begin(
            &lead,
            "acme",
            "checkout",
            Source::Csv,
            ("a.csv", nonsense.as_bytes()),
        )
        .await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{nonsense:?}");
    }
    let id = begin(&lead, Source::Jira, file).await;
    let seen = view(&lead, id).await;
    assert_eq!(
        (
            seen.row.progress.rows,
            seen.row.progress.made,
            seen.row.progress.wrong
        ),
        (4, 1, 3)
    );
    let wrong: Vec<(usize, Column)> = seen
        .errors
        .iter()
        .map(|error| (error.row, error.column))
        .collect();
    assert_eq!(
        wrong,
        [
            (3, Column::Kind),
            (3, Column::Assignee),
            (4, Column::Title),
            (5, Column::Due)
        ]
    );
    let words: Vec<&str> = seen.words.iter().map(|word| word.word.as_str()).collect();
    assert_eq!(words, ["Spike", "Somebody Else"]);
    let choices = vec![
        Choice::Word(Column::Kind, "Spike".into(), Some(Meaning::Kind(ItemKind::Task))),
        Choice::Word(Column::Assignee, "Somebody Else".into(), Some(Meaning::Nothing)),
        Choice::Column(Column::Due, None),
    ];
    intake::choose(
        &lead,
        "acme",
        "checkout",
        (id, Some(seen.version)),
        choices.clone(),
    )
    .await
    .unwrap();
    let stale = intake::choose(&lead, "acme", "checkout", (id, Some(seen.version)), choices).await;
    assert_eq!(stale.unwrap_err().code(), "version_mismatch");
    let ended = carry_out(&world, &lead, id).await;
    assert_eq!(ended.row.state, IntakeState::Done);
    assert_eq!(
        (
            ended.row.progress.made,
            ended.row.progress.wrong,
            ended.row.progress.done
        ),
        (3, 1, 4)
    );
    assert_eq!(ended.errors.len(), 1, "what was wrong is kept");
    let cards = item::list(&developer, "acme", "checkout", 0, 100).await.unwrap();
    let titles: Vec<&str> = cards.iter().map(|card| card.title.as_str()).collect();
    assert_eq!(titles, ["Refunds, all", "=1+1", "<script>alert(1)</script>"]);
    let states: Vec<&str> = cards.iter().map(|card| card.state.key()).collect();
    assert_eq!(states, ["in_progress", "done", "closed"]);
    let first = item::view(&developer, "acme", "checkout", 1).await.unwrap();
    assert_eq!(first.content.assignee.as_ref().map(|one| one.id), Some(dora.id));
    assert_eq!(first.content.labels.typed(), "money, ui");
    assert!(
        first
            .events
            .iter()
            .all(|event| event.by.as_ref().is_some_and(|by| by.username == "lea"))
    );
    let again = intake::start(&lead, "acme", "checkout", id, None).await;
    assert_eq!(again.unwrap_err().code(), "import_started");
    // The same file, with a row more.
    let more = format!("{file}OLD-5,New,Task,To Do,,,,\r\n");
    let second = begin(&lead, Source::Jira, &more).await;
    let seen = view(&lead, second).await;
    assert_eq!(seen.preview[0].known.as_deref(), Some("CHK-1"));
    let ended = carry_out(&world, &lead, second).await;
    assert_eq!((ended.row.progress.made, ended.row.progress.known), (1, 1));
    let cards = item::list(&developer, "acme", "checkout", 0, 100).await.unwrap();
    assert_eq!(cards.len(), 4);
    assert_eq!(cards[3].state.category(), Category::Todo);
    let third = begin(&lead, Source::Csv, "title\nOne\nOne\n").await;
    intake::stop(&lead, "acme", "checkout", third).await.unwrap();
    assert_eq!(view(&lead, third).await.row.state, IntakeState::Stopped);
}

/// Five thousand rows are imported whole, in many turns, and no item is made twice where a turn is done again.
pub async fn a_large_file_is_imported_whole(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let mut file = String::from("key,title,type,state,points,labels\n");
    for row in 0..5_000 {
        let _ = writeln!(
            file,
            "R-{row},Row {row},{},To Do,{},a;b",
            if row % 7 == 0 { "bug" } else { "task" },
            row % 9
        );
    }
    let id = begin(&lead, Source::Csv, &file).await;
    let begun = std::time::Instant::now();
    let ended = carry_out(&world, &lead, id).await;
    eprintln!("5,000 rows in {:?}", begun.elapsed());
    assert_eq!(
        (ended.row.state, ended.row.progress.made),
        (IntakeState::Done, 5_000)
    );
    let (mut after, mut count) = (0, 0);
    loop {
        let page = item::list(&lead, "acme", "checkout", after, 100).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.key.rsplit('-').next().unwrap().parse().unwrap();
        count += page.len();
    }
    assert_eq!(count, 5_000);
}
