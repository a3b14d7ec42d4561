--- `cb.stage "name" { ... }`: a pass over a set of sources. What it says is done by the campaign that it is in.

--- The options have been checked against the declaration of `stage`.
---@param name string
---@param options cloudbuild.options.stage
---@return cloudbuild.Stage
return function(name, options)
  local against = options.against
  -- One layer may stand without a list around it.
  if type(against) == "string" or (against and against.kind) then against = { against } end
  return { name = name, packages = options.packages, against = against, optional = options.optional == true }
end
