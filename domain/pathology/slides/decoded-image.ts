/** Output of the program decode-image on success. */
export interface DecodedImage {
  width: number;
  height: number;
  format: string;
}
