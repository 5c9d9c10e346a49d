/**
 * The engine compared with PyTorch in Python on the same library, and a check that memory stays constant in long
 * training.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  arange,
  Generator,
  getNumThreads,
  liveTensors,
  nn,
  ones,
  ops,
  optim,
  randn,
  scope,
  tuneProcess,
} from "@salmask/torch";
import { pair, type Row } from "./rows.js";
import { Side } from "./side.js";

/** Milliseconds per call. Each call runs in a scope that frees everything it makes, including its result. */
function timed(repeats: number, call: () => unknown): number {
  const body = () => void call();
  const start = performance.now();
  for (let i = 0; i < repeats; i++) scope(body);
  return (performance.now() - start) / repeats;
}

/** An SGD step on a small conv net with 64 images of 32 pixels, as in engine_peer.py. */
function training(): () => void {
  const generator = new Generator(1);
  const conv = (input: number, output: number, stride: number) =>
    new nn.Conv2d(input, output, { kernelSize: 3, stride, padding: 1, bias: false, generator });
  const net = new nn.Sequential(
    conv(3, 16, 1),
    new nn.BatchNorm2d(16),
    new nn.ReLU(),
    conv(16, 32, 2),
    new nn.BatchNorm2d(32),
    new nn.ReLU(),
    new nn.AdaptiveAvgPool2d([1, 1]),
    new nn.Flatten(),
    new nn.Linear(32, 10, { generator }),
  );
  const optimizer = new optim.SGD(net.namedParameters(), { lr: 0.05, momentum: 0.9, weightDecay: 1e-4 });
  const images = randn([64, 3, 32, 32], { generator });
  const labels = arange(64).remainder(10); // [64]
  return () => {
    optimizer.zeroGrad();
    ops.crossEntropyLoss(net.forward(images), labels).backward();
    optimizer.step();
  };
}

/** The encoder's layers, forward and backward, as in engine_peer.py: channels and side of a batch of 32. */
const planeSizes = [
  { channels: 64, side: 64 },
  { channels: 128, side: 32 },
  { channels: 512, side: 8 },
];

const layers = { convolution: "3 x 3 convolution", norm: "batch norm, sum and ReLU" };

/** Forward and backward of a 3 x 3 convolution, or of batch norm with the addition and the ReLU after it. */
function layer(kind: keyof typeof layers, channels: number, side: number): () => void {
  const generator = new Generator(1);
  const planes = () =>
    randn([32, channels, side, side], { generator }).contiguous({ memoryFormat: "channelsLast" }); // [32, C, H, W]
  const [input, residual] = [planes(), planes()];
  input.requiresGrad = true;
  const conv = new nn.Conv2d(channels, channels, { kernelSize: 3, padding: 1, bias: false, generator });
  const norm = new nn.BatchNorm2d(channels);
  return () => {
    input.grad = null;
    const output = kind === "convolution" ? conv.forward(input) : norm.forwardRelu(input, residual);
    output.sum().backward();
  };
}

/** Growth of live tensors, and of resident memory in percent, from step 100 to step 1,000. */
function steadiness(): Row[] {
  const step = training();
  // The garbage collector runs before each measurement, because the young generation of the heap varies by 10 MB.
  setFlagsFromString("--expose-gc");
  const collect: (how: object) => void = runInNewContext("gc");
  const run = (steps: number) => {
    for (let i = 0; i < steps; i++) scope(step);
    collect({ type: "major", execution: "sync", flavor: "last-resort" });
    return { tensors: liveTensors().count, memory: process.memoryUsage.rss() };
  };
  const [early, late] = [run(100), run(900)];
  const steps = "training steps 100 to 1,000: growth of";
  const alone = { peer: null, ratio: null };
  return [
    { name: `${steps} live tensors`, unit: "tensors", ours: late.tensors - early.tensors, ...alone },
    { name: `${steps} resident memory`, unit: "%", ours: 100 * (late.memory / early.memory - 1), ...alone },
  ];
}

export async function run(): Promise<Row[]> {
  tuneProcess();
  const peer = Side.python(new URL("engine_peer.py", import.meta.url), String(getNumThreads()));
  try {
    const rows = steadiness();
    const [a, b] = [ones([4]), ones([4])];
    // A thousand calls per scope, like a training step, so that the cost of the scope itself is included.
    const add = () => {
      for (let i = 0; i < 1000; i++) ops.add(a, b);
    };
    const four = { name: "four-element add", unit: "µs" };
    rows.push(
      await pair(
        four,
        () => timed(20, add),
        () => peer.measure("add"),
      ),
    );
    for (const [size, repeats] of [
      [64, 2000],
      [256, 100],
    ]) {
      const [x, y] = [ones([size, size]), ones([size, size])];
      const what = { name: `matmul ${size} x ${size}`, unit: "µs" };
      const ours = () => 1000 * timed(repeats, () => x.matmul(y));
      rows.push(await pair(what, ours, () => peer.measure(`matmul${size}`)));
    }
    for (const { channels, side } of planeSizes) {
      for (const kind of ["convolution", "norm"] as const) {
        const what = { name: `${layers[kind]}, ${channels} channels, ${side} px`, unit: "ms" };
        const work = layer(kind, channels, side);
        rows.push(
          await pair(
            what,
            () => timed(5, work),
            () => peer.measure(`${kind}${channels}`),
          ),
        );
      }
    }
    const step = training();
    const what = { name: "training step of a small conv net", unit: "ms" };
    rows.push(
      await pair(
        what,
        () => timed(20, step),
        () => peer.measure("step"),
      ),
    );
    return rows;
  } finally {
    peer.close();
  }
}
