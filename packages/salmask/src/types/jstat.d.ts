/** The part of jstat that this package uses; jstat has no types of its own. */
declare module "jstat" {
  const jstat: {
    normal: {
      /** The distribution function of the normal distribution at `x`. */
      cdf(x: number, mean: number, std: number): number;
      /** Its quantile; `p` in (0, 1). */
      inv(p: number, mean: number, std: number): number;
    };
    studentt: {
      /** The distribution function of Student's t with `dof` degrees of freedom at `x`. */
      cdf(x: number, dof: number): number;
      /** The quantile of Student's t with `dof` degrees of freedom; `p` in (0, 1). */
      inv(p: number, dof: number): number;
    };
    noncentralt: {
      /** The distribution of the noncentral t with `dof` degrees of freedom around `ncp`, at `x`. */
      cdf(x: number, dof: number, ncp: number): number;
    };
  };
  export default jstat;
}
