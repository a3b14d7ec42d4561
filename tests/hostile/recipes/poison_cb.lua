-- expect: readonly
require("cloudbuild").import = function() return {} end
