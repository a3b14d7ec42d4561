//! Counts requests as they go out, tries included, and remembers the server's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};

/// What was sent, and what time the server has.
#[derive(Debug, Clone, Default)]
pub(super) struct Count(Arc<Counted>);

#[derive(Debug, Default)]
struct Counted {
    requests: AtomicU64,
    /// 0: it never said.
    server_time: AtomicI64,
}

impl Count {
    /// Requests that were sent.
    pub(super) fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// What the last answer's `Date` says, in seconds since 1970.
    pub(super) fn server_time(&self) -> Option<i64> {
        Some(self.0.server_time.load(Ordering::Relaxed)).filter(|&time| time != 0)
    }
}

impl Intercept for Count {
    fn name(&self) -> &'static str {
        "count"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), aws_sdk_s3::error::BoxError> {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), aws_sdk_s3::error::BoxError> {
        let date = context.response().headers().get("date");
        let time = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        if let Some(time) = time {
            self.0.server_time.store(time.timestamp().as_second(), Ordering::Relaxed);
        }
        Ok(())
    }
}
