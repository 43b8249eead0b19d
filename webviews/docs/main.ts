/** The page to try the interface in a plain browser, served by the run server at /docs. */
import { openSession } from "../app/session.ts";
import { followSystemTheme } from "../app/theme.ts";
import { mountPage } from "../components/page.ts";
import { ApiPage } from "./api-page.ts";

followSystemTheme();
const page = new ApiPage();
page.token = openSession().token ?? "";
mountPage(page);
