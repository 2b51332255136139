/** Entry point of the compiled command line. */
export async function main(args: readonly string[]): Promise<void> {
  console.log(args.join(' '));
}
