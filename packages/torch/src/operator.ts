import { EngineError, type NativeArgument, native } from "./native.js";

/** One ATen operator. It is looked up in the dispatcher at its first call. */
export class Operator {
  private index = -1;

  constructor(
    readonly name: string,
    readonly overload: string,
  ) {}

  /** Calls the operator; undefined selects the default of the schema. Returns the addon's result unchanged. */
  call(...args: NativeArgument[]): unknown {
    return native.call(this.index < 0 ? this.resolve() : this.index, ...args);
  }

  /** libtorch's own schema of the operator. */
  get schema(): string {
    return native.operatorSchema(this.index < 0 ? this.resolve() : this.index);
  }

  private resolve(): number {
    this.index = native.findOperator(this.name, this.overload);
    if (this.index < 0) {
      const full = this.overload === "" ? this.name : `${this.name}.${this.overload}`;
      throw new EngineError("no-operator", `libtorch ${native.version()} has no operator ${full}`);
    }
    return this.index;
  }
}

/** Every operator of the loaded libtorch, as `name` or `name.overload`. */
export function operatorNames(): string[] {
  return native.operatorNames().sort();
}
