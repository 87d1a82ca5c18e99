//! Pages that the browser loads when one of them is opened: each function here becomes a part of the WASM of its
//! own, with everything that only its pages need. What several parts need goes into parts that they share.

use crate::route::Making;
use crate::{
    application, audit, board, environment, home, member, org, pipeline, project, promotion, release, run,
    token,
};
use leptos::prelude::*;
use leptos::wasm_split::wasm_split;

macro_rules! parts {
    ($($(#[$doc:meta])* $part:ident $page:ident $which:ident { $($name:ident $variant:ident = $view:path,)+ })+) => {
        $(
            #[derive(Clone, Copy)]
            enum $page { $($variant,)+ }

            #[wasm_split($part, wasm_split_path = leptos::wasm_split)]
            fn $which(page: $page) -> AnyView {
                match page { $($page::$variant => $view(),)+ }
            }

            $(
                pub(crate) fn $name() -> Making {
                    Box::pin(async {
                        // The page says that it needs this part, so that the browser asks for it at once.
                        #[cfg(feature = "ssr")]
                        leptos::prefetch_lazy_fn_on_server(stringify!($part));
                        $which($page::$variant).await
                    })
                }
            )+
        )+
    };
}

parts! {
    places PlacePage place_page {
        home Home = home::home_page,
        org Org = org::org_page,
        project Project = project::project_page,
        application App = application::app_page,
    }
    pipelines PipelinePage pipeline_page {
        gallery Gallery = pipeline::gallery_page,
        form Form = pipeline::form_page,
    }
    runs RunPage run_page {
        runs List = run::runs_page,
        run One = run::run_page,
    }
    boards BoardPage board_page {
        board Board = board::board_page,
        bugs Bugs = board::bugs_page,
        new_item New = board::new_item_page,
        item One = board::item_page,
    }
    promotions PromotionPage promotion_page {
        approvals Approvals = promotion::approvals_page,
        approval Approval = promotion::approval_page,
        promotion One = promotion::promotion_page,
        releases Releases = release::releases_page,
        release Release = release::release_page,
    }
    settings SettingsPage settings_page {
        members Members = member::members_page,
        audit Audit = audit::audit_page,
        environments Environments = environment::environments_page,
        tokens Tokens = token::tokens_page,
    }
}
