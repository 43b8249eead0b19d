/**
 * The weights that the slider of the moving average goes over: hundredths up to 0.99, thousandths up to 0.999, ten-thousandths up to 0.9999. The
 * average looks back over about 1 / (1 - weight) points, and a long run needs one that looks back far to show anything but noise.
 */
const HUNDREDTHS = 99;
const THOUSANDTHS = HUNDREDTHS + 9;
/** Of the slider, counted from 0. */
export const LAST_PLACE = THOUSANDTHS + 9;

export function weightAt(place: number): number {
  if (place <= HUNDREDTHS) return place / 100;
  return place <= THOUSANDTHS ? (990 + place - HUNDREDTHS) / 1000 : (9990 + place - THOUSANDTHS) / 10_000;
}

/** The place nearest to a weight. */
export function placeOfWeight(weight: number): number {
  if (weight <= 0.99) return Math.round(weight * 100);
  return weight <= 0.999
    ? HUNDREDTHS + Math.round((weight - 0.99) * 1000)
    : Math.min(LAST_PLACE, THOUSANDTHS + Math.round((weight - 0.999) * 10_000));
}

export function weightText(weight: number): string {
  return weight.toFixed(weight <= 0.99 ? 2 : weight <= 0.999 ? 3 : 4);
}
