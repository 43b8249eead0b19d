import js from "@eslint/js";
import globals from "globals";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules", "dist", ".venv", "protocol/generated", "**/*.cjs", ".demo", "test-results"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: ["./tsconfig.json", "./webviews/tsconfig.json"], tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unnecessary-condition": ["error", { allowConstantLoopConditions: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // z.object(...) beside `type X = z.infer<typeof X>` gives a value and a type one name on purpose.
      "@typescript-eslint/no-redeclare": "off",
      "no-restricted-syntax": [
        "error",
        { selector: "ExportDefaultDeclaration", message: "no default exports" },
        { selector: "ExportAllDeclaration", message: "no barrels" },
      ],
    },
  },
  { files: ["**/vitest.config.mts"], rules: { "no-restricted-syntax": "off" } },
  // Loops over typed arrays: the index comes from the array's own length, and a fallback value would hide a wrong one.
  { files: ["server/series/**/*.ts"], rules: { "@typescript-eslint/no-non-null-assertion": "off" } },
  {
    // Whoever asks for several promises at once and gets an exception instead of the last one leaves the others to nobody: the first of
    // them that fails would end the process.
    files: ["server/**/*.ts"],
    rules: { "@typescript-eslint/promise-function-async": ["error", { checkArrowFunctions: false }] },
  },
  { files: ["test/**/*.ts"], rules: { "@typescript-eslint/no-non-null-assertion": "off" } },
  { files: ["**/*.mjs"], languageOptions: { globals: globals.node } },
);
