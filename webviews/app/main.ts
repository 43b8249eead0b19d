/** The web application in a plain browser, served by the run server. */
import { mountPage } from "../components/page.ts";
import { App } from "./app.ts";
import { openSession } from "./session.ts";
import { followSystemTheme } from "./theme.ts";

followSystemTheme();
const { token, run, page } = openSession();

if (token === null) {
  const message = document.createElement("p");
  message.setAttribute("role", "alert");
  message.textContent =
    "This page needs the address that the run server printed: it carries the token. Run “trainyard serve” to see it again.";
  mountPage(message);
} else {
  const app = new App();
  app.token = token;
  app.run = run;
  app.page = page;
  mountPage(app);
}
