/** Which metrics a request is about. */
import * as z from "zod";
import { splitNames } from "./name-list.ts";

export const MetricNames = z
  .string()
  .describe('Names, parted by commas; a comma within a name is written "\\,", and a name may end in "*".')
  .transform(splitNames)
  .pipe(z.array(z.string()).min(1).max(10_000));
