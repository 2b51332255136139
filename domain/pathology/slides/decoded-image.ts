/** What the program decode-image prints on success. */
export interface DecodedImage {
  width: number;
  height: number;
  format: string;
  /** Dots per inch as the file says, if it does. */
  density?: number;
}
