--- The version of cloudbuild that this library belongs to; `--stdlib` refuses another one's.
return "0.1.0"
