//! The files of the page, compiled into the program.

use axum::Router;
use axum::http::header;
use axum::routing::get;

/// Path, type, contents.
const FILES: [(&str, &str, &str); 15] = [
    ("/", HTML, include_str!("../../page/index.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("../../page/page.css")),
    ("/icon.svg", "image/svg+xml", include_str!("../../page/icon.svg")),
    ("/main.mjs", SCRIPT, include_str!("../../page/main.mjs")),
    ("/api.mjs", SCRIPT, include_str!("../../page/api.mjs")),
    ("/dom.mjs", SCRIPT, include_str!("../../page/dom.mjs")),
    ("/json.mjs", SCRIPT, include_str!("../../page/json.mjs")),
    ("/value.mjs", SCRIPT, include_str!("../../page/value.mjs")),
    ("/live.mjs", SCRIPT, include_str!("../../page/live.mjs")),
    ("/blocks.mjs", SCRIPT, include_str!("../../page/blocks.mjs")),
    ("/transaction.mjs", SCRIPT, include_str!("../../page/transaction.mjs")),
    ("/replay.mjs", SCRIPT, include_str!("../../page/replay.mjs")),
    ("/state.mjs", SCRIPT, include_str!("../../page/state.mjs")),
    ("/chaincodes.mjs", SCRIPT, include_str!("../../page/chaincodes.mjs")),
    ("/call.mjs", SCRIPT, include_str!("../../page/call.mjs")),
];
const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Adds the files to the routes.
pub(super) fn add<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    FILES.into_iter().fold(router, |router, (path, kind, text)| {
        let head = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")];
        router.route(path, get(move || async move { (head, text) }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_loaded_from_elsewhere_and_nothing_from_a_channel_becomes_markup() {
        let forbidden = [
            "http://",
            "https://",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            " style=",
            "<script>",
            "onclick=",
        ];
        for (path, _, text) in FILES {
            // The name of a format, not an address.
            let text = text.replace("http://www.w3.org/2000/svg", "");
            for word in forbidden {
                assert!(!text.contains(word), "{path} has {word}");
            }
        }
    }

    #[test]
    fn each_module_that_is_imported_is_served() {
        for (path, _, text) in FILES {
            for module in text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next())
            {
                assert!(
                    FILES.iter().any(|(served, ..)| served[1..] == *module),
                    "{path}: {module}"
                );
            }
        }
    }
}
