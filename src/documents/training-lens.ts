/** The actions above a Python file that trains. */
import * as vscode from "vscode";
import { trainingLine } from "./training-code.ts";

const LONGEST = 1_000_000;

export function registerTrainingLens(): vscode.Disposable {
  return vscode.languages.registerCodeLensProvider(
    { language: "python", scheme: "file" },
    {
      provideCodeLenses: (document) => {
        const text = document.getText();
        const line = text.length > LONGEST ? null : trainingLine(text);
        if (line === null) return [];
        const range = new vscode.Range(line, 0, line, 0);
        const lens = (title: string, command: string) => new vscode.CodeLens(range, { title, command, arguments: [document.uri] });
        return [lens("$(play) Run tracked", "trainyard.runPythonFile"), lens("New run from this file", "trainyard.newRunFromFile")];
      },
    },
  );
}
