;; A type whose size doubles with every line: a validator that writes it out never ends.
;;! "left-out": true, "expect": [""]
(component (type $t0 (tuple u64 u64))
(;repeat 0;)(;end;)
(type $a (tuple $t0 $t0)) (type $b (tuple $a $a)) (type $c (tuple $b $b)) (type $d (tuple $c $c)) (type $e (tuple $d $d))
(type $f (tuple $e $e)) (type $g (tuple $f $f)) (type $h (tuple $g $g)) (type $i (tuple $h $h)) (type $j (tuple $i $i))
(type $k (tuple $j $j)) (type $l (tuple $k $k)) (type $m (tuple $l $l)) (type $n (tuple $m $m)) (type $o (tuple $n $n))
(type $p (tuple $o $o)) (type $q (tuple $p $p)) (type $r (tuple $q $q)) (type $s (tuple $r $r)) (type $t (tuple $s $s))
(import "f" (func (param "x" $t))))
