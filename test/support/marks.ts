/** Marks of a plot that is drawn on a canvas, found by their colour. */
import type { Locator } from "playwright-core";

/** Slot 1 of the palette, on a light and on a dark ground. */
export const FIRST_COLOR = { light: [0x12, 0x4f, 0xa8], dark: [0x39, 0x84, 0xf9] } as const;

/** Clicks in the midst of a mark. @throws Error when none of this colour is drawn */
export async function clickMark(canvas: Locator, color: readonly [number, number, number]): Promise<void> {
  await canvas.waitFor();
  const position = await canvas.evaluate((element, [red, green, blue]) => {
    const picture = element as HTMLCanvasElement;
    const { width, height } = picture;
    const pixels = picture.getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
    const drawn = (x: number, y: number): boolean => {
      const at = 4 * (y * width + x);
      const [r = 0, g = 0, b = 0, alpha = 0] = [pixels[at], pixels[at + 1], pixels[at + 2], pixels[at + 3]];
      return alpha > 150 && Math.abs(r - red) + Math.abs(g - green) + Math.abs(b - blue) < 60;
    };
    const found: { x: number; y: number }[] = [];
    // Its neighbours on all sides belong to it: a click beside it would open nothing.
    for (let y = 2; y < height - 2; y++)
      for (let x = 2; x < width - 2; x++)
        if (drawn(x, y) && drawn(x - 2, y) && drawn(x + 2, y) && drawn(x, y - 2) && drawn(x, y + 2)) found.push({ x, y });
    const middle = found[Math.floor(found.length / 2)];
    const box = picture.getBoundingClientRect();
    return middle === undefined ? null : { x: ((middle.x + 0.5) / width) * box.width, y: ((middle.y + 0.5) / height) * box.height };
  }, color);
  if (position === null) throw new Error("no mark is drawn");
  await canvas.click({ position });
}
