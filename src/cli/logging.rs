//! What is logged, and where: standard error, by CLOUDBUILD_LOG or `-v`.

use tracing_subscriber::EnvFilter;

use super::exit::{Exit, Failure};

/// Starts logging to standard error. `filter` is CLOUDBUILD_LOG and goes before the number of `-v`.
pub fn start(verbose: u8, filter: Option<&str>) -> Result<(), Failure> {
    let filter = parse(verbose, filter)?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(anstream::stderr)
        .with_target(verbose > 1)
        .finish();
    // A second start, which only tests do, leaves the first one's subscriber in place.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

/// The filter for a number of `-v` and the text of CLOUDBUILD_LOG.
fn parse(verbose: u8, filter: Option<&str>) -> Result<EnvFilter, Failure> {
    let by_flag = match verbose {
        0 => "warn",
        1 => "warn,cloudbuild=info",
        2 => "info,cloudbuild=debug",
        _ => "debug,cloudbuild=trace",
    };
    let text = filter.filter(|filter| !filter.is_empty()).unwrap_or(by_flag);
    EnvFilter::builder().parse(text).map_err(|error| {
        Failure::new(Exit::Usage, format!("`CLOUDBUILD_LOG`: expected a log filter, got `{text}`: {error}"))
            .hint("write a level such as `debug`, or `cloudbuild=debug,warn`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_goes_before_the_flag_and_must_be_a_filter() {
        let text = |verbose, filter| parse(verbose, filter).map(|filter| filter.to_string());
        assert_eq!(text(0, None).ok().as_deref(), Some("warn"));
        assert_eq!(text(1, Some("error")).ok().as_deref(), Some("error"));
        let error = text(0, Some("cloudbuild=loud")).expect_err("no level").to_string();
        assert!(error.starts_with("`CLOUDBUILD_LOG`: expected a log filter, got `cloudbuild=loud`"), "{error}");
    }
}
