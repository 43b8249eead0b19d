/** The form as an editor of run documents (package.json, customEditors). */
export const RUN_EDITOR = "trainyard.runDocument";
