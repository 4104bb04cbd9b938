"""A first network: it learns XOR, a task that no single linear layer can do."""

import torch

from minidl_core import Sequential, train
from minidl_plugins_basic import SGD, Linear, MSELoss, Sigmoid, Tanh

generator = torch.Generator().manual_seed(0)
x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])

model = Sequential(
    Linear(2, 8, generator=generator),
    Tanh(),
    Linear(8, 1, generator=generator),
    Sigmoid(),
)
model.info()

optimizer = SGD(model.param(), lr=0.1, momentum=0.9)
for step in train(model, MSELoss(), optimizer, [(x, y)] * 201):
    if step.number % 50 == 0:
        print(f"step {step.number:3}  loss {step.loss.item():.3f}")

model.eval()
for (a, b), (prediction,) in zip(x.tolist(), model.forward(x).tolist(), strict=True):
    print(f"{a:.0f} xor {b:.0f} = {prediction:.0f}")
