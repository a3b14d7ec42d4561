-- Which of these flags should we turn on? Three cells, five repeats, one table.
-- cloudbuild recipes/flags.lua --only curl --repeats 2 tries it with one package.
local cb = require "cloudbuild"

return cb.campaign "opt-levels" {
  about    = "compare flags on packages that use zlib",
  sources  = cb.apt.system(),
  packages = cb.pick { build_depends_on = "zlib1g-dev", at_most = 50, seed = 42 },

  matrix = {
    cb.cell "O2"  {},                                                       -- as the distribution builds it
    cb.cell "O3"  { cflags = { replace = { ["-O2"] = "-O3" } } },
    cb.cell "LTO" { options = { "optimize=+lto" } },
    baseline = "O2", repeats = 5, order = "interleaved",
  },

  choose_flags = function(source, cell)
    if source.name == "glibc" and cell.name == "LTO" then return cb.skip "glibc does not support LTO" end
  end,

  measure = { "build-time", "cpu-time", "peak-memory", "deb-size", "text-size", "symbols", "tests",
              bench = { ["zlib"] = "./bench-zlib.sh" } },
  report  = cb.html { confidence = 0.95 },
}
