/** Something that the user can mend; the message says how. The program prints it and exits with 2. */
export class Problem extends Error {
  override readonly name = 'Problem';
}
