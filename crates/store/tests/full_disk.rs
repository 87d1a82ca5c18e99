//! An SQLite database on a disk without room.

use slipway_domain::id::{TypedId as _, UserId};
use slipway_domain::person::Person;
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{NewPerson, Store as _, StoreError, StoreResult};
use slipway_store::SqlStore;

fn person(number: u32) -> NewPerson {
    let person = Person {
        id: UserId::from_uuid(uuid::Uuid::from_u128(u128::from(number))),
        username: format!("person-{number}"),
        name: "x".repeat(1000),
        email: None,
        locale: None,
        created_at: Timestamp(0),
        deactivated_at: None,
    };
    NewPerson {
        person,
        password_hash: None,
    }
}

/// Two rows in one transaction.
async fn pair(store: &SqlStore, number: u32) -> StoreResult<()> {
    let mut tx = store.write().await?;
    tx.insert_person(&person(2 * number)).await?;
    tx.insert_person(&person(2 * number + 1)).await?;
    tx.commit().await
}

/// How many rows there are.
async fn count(store: &SqlStore) -> usize {
    let mut tx = store.read().await.unwrap();
    tx.people().await.unwrap().len()
}

#[tokio::test]
async fn a_full_disk_refuses_whole_transactions_and_writing_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("slipway.db").display());
    let store = SqlStore::connect(&url).await.unwrap();
    store.migrate().await.unwrap();
    store.fill_disk_for_tests(true).await.unwrap();
    let mut stored = 0;
    let refused = loop {
        match pair(&store, stored).await {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 10_000, "it never became full");
    };
    assert!(matches!(refused, StoreError::Full), "{refused:?}");
    // It stays full, says so each time, and can be read all the while.
    for _ in 0..3 {
        let again = pair(&store, stored).await.unwrap_err();
        assert!(matches!(again, StoreError::Full), "{again:?}");
        assert_eq!(
            count(&store).await,
            2 * stored as usize,
            "whole changes and no half ones"
        );
    }
    store.fill_disk_for_tests(false).await.unwrap();
    pair(&store, stored).await.unwrap();
    assert_eq!(count(&store).await, 2 * stored as usize + 2);
}
