/** Does a Python file train, and where? Told by reading it. Pure. */

/** What trainings call, in the frameworks that are tracked and in loops of one's own. */
const TRAINING =
  /\b(?:\w*Trainer\s*\(|trainer\.(?:train|fit)\s*\(|\.fit\s*\(|\w*loss\w*\.backward\s*\(|optimi[sz]er\.step\s*\(|accelerator\.backward\s*\(|SummaryWriter\s*\(|trainyard\.init\s*\(|LightningCLI\s*\()/;
/** Frameworks without which `.fit(` means something else. */
const FRAMEWORK =
  /^\s*(?:import|from)\s+(?:torch|transformers|trl|peft|lightning|pytorch_lightning|accelerate|keras|tensorflow|jax|flax|sklearn|xgboost|lightgbm|trainyard)\b/m;
const MAIN = /^if\s+__name__\s*==\s*["']__main__["']\s*:/;

/** The line, from 0, where a training begins: the main guard, else the first call that trains. null for a file that does not train. */
export function trainingLine(source: string): number | null {
  if (!FRAMEWORK.test(source)) return null;
  const lines = source.split(/\r?\n/);
  const first = lines.findIndex((line) => TRAINING.test(line.replace(/#.*$/, "")) && !/^\s*(?:class|def|import|from)\b/.test(line));
  if (first === -1) return null;
  const main = lines.findIndex((line) => MAIN.test(line));
  return main === -1 ? first : main;
}
