-- Three stages on an EC2-like cloud: the base system, the whole archive, and once more to see that it is stable.
local cb = require "cloudbuild"

local upstream = cb.apt.sources "debian.sources"      -- deb822 or one-line, as in /etc/apt

return cb.campaign "armel" {
  sources = upstream,
  arch    = "armel",

  stages = {
    cb.stage "base"   { packages = cb.base_system(),  against = upstream },            -- required + base + build-essential
    cb.stage "first"  { packages = cb.everything {},
                        against  = { "base", upstream } },                             -- new binaries where there are some, old ones else
    cb.stage "second" { packages = cb.changed_inputs "first",                          -- hashes of what they were built with differ
                        against  = { "first", "base", upstream }, optional = true },
  },

  not_for_us = { "s390-tools", "zipl-installer" },

  builders = cb.ec2 {
    provider = "eucalyptus", endpoint = "https://cloud.example.org/services/compute", region = "lab",
    image = "emi-12345678", types = { "m2.2xlarge", "m2.xlarge" }, max = 60, disk = "120 GB",
    prices = { "m2.2xlarge = 0.40 USD", "m2.xlarge = 0.20 USD" },       -- what an hour costs: the budget counts with it
  },
  mirror  = cb.s3 "s3://armel/upstream",                -- the sources are copied into the cloud once
  publish = cb.s3 "s3://armel/archive" { every = "30 min" },
  budget  = { limit = "400 USD", confirm_above = "50 USD" },

  on_failure = function(job, failure)
    if failure.class == "out-of-memory" or failure.class == "disk-full" then
      return cb.retry { larger = true, parallel = 1 }
    end
    if failure.class == "test-failure" and job.attempt == 1 then
      return cb.retry { alone = true }                  -- with the machine to itself, before believing it
    end
    return cb.give_up()
  end,

  on_stage_done = function(stage)
    if stage.name == "base" and stage.failed > 0 then return cb.pause "the base system is not complete" end
  end,
}
