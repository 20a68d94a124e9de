/** Places in a drawing, in pixels from its upper left corner. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `x` and `y` are those of the upper left corner. */
export interface Box extends Point, Size {}

export function moved<P extends Point>(place: P, by: Point): P {
  return { ...place, x: place.x + by.x, y: place.y + by.y };
}
