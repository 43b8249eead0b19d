"""Its options come from a module beside it, so that its own source tells nothing of them."""

import json

from parser_elsewhere import build

print(json.dumps(vars(build().parse_args()), default=str))
