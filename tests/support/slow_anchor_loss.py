"""The loss of the anchor-based YOLOv5 in plain numbers, box after box, from its description alone.

Written from the text of ultralytics' "Architecture Summary" (section 4: losses, balance, build targets) and of
the CIoU's paper (Zheng et al., AAAI 2020); it shares no code with `text2pixels.detection.anchor_loss`.
"""

import math


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def cross_entropy(logit, target):
    p = min(max(sigmoid(logit), 1e-12), 1 - 1e-12)
    return -(target * math.log(p) + (1 - target) * math.log(1 - p))


def ciou(one, two):
    """Boxes as left, top, right, bottom."""
    width = max(0.0, min(one[2], two[2]) - max(one[0], two[0]))
    height = max(0.0, min(one[3], two[3]) - max(one[1], two[1]))
    w1, h1, w2, h2 = one[2] - one[0], one[3] - one[1], two[2] - two[0], two[3] - two[1]
    iou = width * height / (w1 * h1 + w2 * h2 - width * height)
    diagonal = (max(one[2], two[2]) - min(one[0], two[0])) ** 2 + (max(one[3], two[3]) - min(one[1], two[1])) ** 2
    apart = ((one[0] + one[2] - two[0] - two[2]) / 2) ** 2 + ((one[1] + one[3] - two[1] - two[3]) / 2) ** 2
    v = 4 / math.pi**2 * (math.atan(w2 / h2) - math.atan(w1 / h1)) ** 2
    alpha = v / (1 - iou + v) if v else 0.0
    return iou - apart / diagonal - alpha * v


def places(box, anchors, rows, columns):
    """Yield (anchor, row, column) of a grid that a box belongs to; the box in cells: centre x, y, width, height."""
    x, y, w, h = box
    for number, (aw, ah) in enumerate(anchors):
        if max(w / aw, aw / w, h / ah, ah / h) >= 4:
            continue
        column, row = int(x), int(y)
        yield number, row, column
        if x - column < 0.5:
            if column > 0:
                yield number, row, column - 1
        elif column < columns - 1 and x - column > 0.5:
            yield number, row, column + 1
        if y - row < 0.5:
            if row > 0:
                yield number, row - 1, column
        elif row < rows - 1 and y - row > 0.5:
            yield number, row + 1, column


def loss(raw, anchors, targets, pixels):
    """Raw outputs as nested lists, [grid][image][anchor][row][column][output]; targets as in the module."""
    total = 0.0
    for grid, own, balance in zip(raw, anchors, (4.0, 1.0, 0.4), strict=True):
        rows, columns = len(grid[0][0]), len(grid[0][0][0])
        wanted, box_terms, category_terms = {}, [], []
        for image, category, cx, cy, w, h in targets:
            box = (cx * columns, cy * rows, w * columns, h * rows)
            for anchor, row, column in places(box, own, rows, columns):
                out = grid[int(image)][anchor][row][column]
                x, y = 2 * sigmoid(out[0]) - 0.5 + column, 2 * sigmoid(out[1]) - 0.5 + row
                bw, bh = (2 * sigmoid(out[2])) ** 2 * own[anchor][0], (2 * sigmoid(out[3])) ** 2 * own[anchor][1]
                fit = ciou(
                    (x - bw / 2, y - bh / 2, x + bw / 2, y + bh / 2),
                    (box[0] - box[2] / 2, box[1] - box[3] / 2, box[0] + box[2] / 2, box[1] + box[3] / 2),
                )
                box_terms.append(1 - fit)
                for number, logit in enumerate(out[5:]):
                    category_terms.append(cross_entropy(logit, float(number == int(category))))
                key = (int(image), anchor, row, column)
                wanted[key] = max(wanted.get(key, 0.0), fit)
        object_terms = [
            cross_entropy(out[4], wanted.get((image, anchor, row, column), 0.0))
            for image, of_image in enumerate(grid)
            for anchor, of_anchor in enumerate(of_image)
            for row, of_row in enumerate(of_anchor)
            for column, out in enumerate(of_row)
        ]
        categories = len(grid[0][0][0][0]) - 5
        if box_terms:
            total += 0.05 * sum(box_terms) / len(box_terms)
            total += 0.5 * categories / 80 * sum(category_terms) / len(category_terms)
        total += balance * (pixels / 640) ** 2 * sum(object_terms) / len(object_terms)
    return total
