//! What recipes can do, one file a primitive: observe (io), decide (core), act (io).
//!
//! **Invariant:** no Lua here; a primitive takes plain data and returns plain data.

use crate::core::recipe::{Request, Response};

/// Does what a recipe asks for. `lua` calls it; `run` does it for real, `plan` records it, a test fakes it.
pub trait Perform: Send + Sync {
    /// Performs one request; blocks until it is done. Called on a thread of its own, never inside the async runtime.
    fn perform(&self, request: Request) -> anyhow::Result<Response>;
}
