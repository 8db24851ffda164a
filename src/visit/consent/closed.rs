//! Looks into closed shadow roots, which no script outside of them can enter.
//!
//! The browser tells where they are and hands them to our own world, which then searches them like
//! everything else. The page cannot see it.

use serde_json::Value as Json;

use crate::browser::BrowserError;
use crate::browser::browser_protocol::dom::{BackendNodeId, ResolveNodeParams};
use crate::browser::browser_protocol::dom_snapshot::CaptureSnapshotParams;
use crate::browser::js_protocol::runtime::{CallFunctionOnParams, ExecutionContextId};
use crate::visit::stage::World;

/// Most closed roots looked into at once.
const MOST_ROOTS: usize = 40;

/// Hands every closed shadow root of a frame to our own world there, and says how many there are.
pub(super) async fn open(world: &World) -> Result<usize, BrowserError> {
    let snapshot = world
        .session
        .call(CaptureSnapshotParams::new(Vec::new()))
        .await?;
    let roots = closed_roots(&snapshot, &world.frame);
    let mut opened = 0;
    for root in roots {
        let resolve = ResolveNodeParams {
            backend_node_id: Some(BackendNodeId::new(root)),
            execution_context_id: Some(ExecutionContextId::new(world.context)),
            ..ResolveNodeParams::default()
        };
        let answer = world.session.call(resolve).await?;
        let Some(object) = answer["object"]["objectId"].as_str() else {
            continue;
        };
        let adopt = CallFunctionOnParams {
            object_id: Some(object.to_owned().into()),
            ..CallFunctionOnParams::new("function () { globalThis.consentinel.adopt(this); }")
        };
        world.session.call(adopt).await?;
        opened += 1;
    }
    Ok(opened)
}

/// The closed shadow roots of a frame's document, by what `DOMSnapshot.captureSnapshot` answers:
/// columns of numbers, and texts by their place in a list.
fn closed_roots(snapshot: &Json, frame: &str) -> Vec<i64> {
    let text = |index: &Json| -> Option<&str> {
        snapshot["strings"]
            .get(usize::try_from(index.as_i64()?).ok()?)?
            .as_str()
    };
    let documents = snapshot["documents"].as_array().into_iter().flatten();
    documents
        .filter(|document| text(&document["frameId"]) == Some(frame))
        .flat_map(|document| {
            let nodes = &document["nodes"];
            let kinds = &nodes["shadowRootType"];
            let indexes = kinds["index"].as_array().into_iter().flatten();
            let values = kinds["value"].as_array().into_iter().flatten();
            indexes
                .zip(values)
                .filter(|(_, kind)| text(kind) == Some("closed"))
                .filter_map(|(index, _)| {
                    nodes["backendNodeId"]
                        .get(usize::try_from(index.as_i64()?).ok()?)?
                        .as_i64()
                })
        })
        .take(MOST_ROOTS)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_closed_roots_of_the_frame_are_named() {
        let snapshot = json!({
            "strings": ["ONE", "TWO", "closed", "open", "user-agent"],
            "documents": [
                {
                    "frameId": 0,
                    "nodes": {
                        "backendNodeId": [10, 11, 12, 13],
                        "shadowRootType": { "index": [1, 2, 3, 99], "value": [3, 2, 4, 2] },
                    },
                },
                {
                    "frameId": 1,
                    "nodes": { "backendNodeId": [20], "shadowRootType": { "index": [0], "value": [2] } },
                },
            ],
        });
        assert_eq!(closed_roots(&snapshot, "ONE"), [12]);
        assert_eq!(closed_roots(&snapshot, "TWO"), [20]);
        assert_eq!(closed_roots(&snapshot, "THREE"), [0_i64; 0]);
        assert_eq!(closed_roots(&json!({ "documents": 7 }), "ONE"), [0_i64; 0]);
    }
}
