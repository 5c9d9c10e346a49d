import { nn, type Tensor } from "@salmask/torch";

/** A module whose parts are called in its state dict as torchvision calls them: `boxHead` is `box_head`. */
export abstract class TorchvisionModule<Input = Tensor, Output = Tensor> extends nn.Module<Input, Output> {
  override *children(): Generator<[string, nn.AnyModule]> {
    for (const [name, part] of super.children())
      yield [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), part];
  }
}
