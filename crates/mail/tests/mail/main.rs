//! Mail at the wire: the adapter against a mail server on good and on bad days, and what people do with it. What people
//! do runs on SQLite, and on PostgreSQL where there is a server.

mod digest;
mod invite;
mod tls;
mod wire;
mod world;

macro_rules! on_both {
    ($($module:ident: $($test:ident),+;)+) => {
        mod sqlite {
            $($(#[tokio::test]
            async fn $test() {
                crate::$module::$test(crate::world::sqlite().await).await;
            })+)+
        }
        mod postgres {
            $($(#[tokio::test]
            async fn $test() {
                if let Some(world) = crate::world::postgres().await {
                    crate::$module::$test(world).await;
                }
            })+)+
        }
    };
}

on_both! {
    digest:
        a_digest_comes_once_a_morning_and_only_with_something_to_say;
    invite:
        an_invitation_is_mailed_in_the_language_of_who_invites,
        a_link_is_mailed_from_every_kind_of_place,
        a_mail_that_fails_leaves_the_invitation_and_its_link,
        an_organization_s_own_server_wins,
        nobody_has_more_than_twenty_mails_sent_an_hour,
        where_there_is_no_server_no_address_is_taken,
        a_test_goes_to_whoever_asks_for_it,
        a_server_out_of_bounds_is_not_taken;
}
